"""What cannot be exported of a user's own networks, and how that is said."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ToolError, UsageError
from edgekit.types import TensorSpec
from edgekit.verify.sets_of_inputs import given_inputs
from tests.support.own import exported

WRONG = {
    "def build(size): return 1": r"build\(\) cannot be called without arguments",
    "def build(): raise ValueError('no data here')": r"build\(\) raised ValueError: no data here \(net\.py, line 1\)",
    """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("calls", torch.zeros(1))
    def forward(self, x):
        self.mean.mul_(0.9).add_(x.mean())
        return x + self.mean
def build(): return Net()
def example_inputs(): return torch.ones(1, 4)
""": "the network changes its buffer mean while it runs, and with it the output output; an artifact keeps nothing",
    """
import torch
class Net(torch.nn.Module):
    def forward(self, x): return torch.nn.functional.dropout(x, 0.5)
def build(): return Net()
def example_inputs(): return torch.ones(1, 64)
""": "the network gives another output for the same input: it draws random numbers",
    "import torch\ndef build(): return torch.nn.ReLU()\ndef example_inputs(): return torch.rand(0, 3)": (
        r"the input input is empty: \[0, 3\]"
    ),
    "import sys\ndef build(): sys.exit(0)": r"build\(\) raised SystemExit: 0 \(net\.py, line 2\)",
    """
import torch
class Net(torch.nn.Module):
    def forward(self, x):
        n = int(x.sum().item())
        return x[:, :n]
def build(): return Net()
def example_inputs(): return torch.ones(1, 4)
""": r"torch\.export cannot trace the network: .*\(net\.py, line 5\)",
    """
import torch
class Net(torch.nn.Module):
    def forward(self, x): return torch.fft.fft(x)
def build(): return Net()
def example_inputs(): return torch.ones(1, 4)
""": "output 0 of the network is complex64",
    """
import torch
def build(): return torch.nn.Linear(4, 2).bfloat16()
def example_inputs(): return torch.ones(1, 4, dtype=torch.bfloat16)
""": "the input input of the network is bfloat16, which no runtime here takes",
    """
import torch
class Net(torch.nn.Module):
    def forward(self, x): return x * 2, x.bfloat16()
def build(): return Net()
def example_inputs(): return torch.ones(1, 4)
""": "the output output_1 of the network is bfloat16",
    """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(2**29 + 1))  # nobody touches it
    def forward(self, x): return x + self.weight[0]
def build(): return Net()
def example_inputs(): return torch.ones(1, 4)
""": r"the network has 2\.1 GB of weights",
    "import torch\ndef build(): return torch.nn.Linear(3, 3, device='meta')": (
        r"the network of build\(\) cannot be brought to the CPU: NotImplementedError"
    ),
    "def build(): return 7": r"build\(\) returned int, not a torch\.nn\.Module",
    "def other(): return 7": "net has no function 'build'",
    "import no_such_thing": "net.py cannot be imported: No module named 'no_such_thing'",
    "1 +": r"net\.py raised SyntaxError",
    "import torch\ndef build(): return torch.nn.Linear(3, 3)": "the inputs of the network are not known",
    "import torch\ndef build(): return torch.nn.Linear(3, 3)\ndef example_inputs(): return 4": "has to return a tensor",
    "import torch\ndef build(): return torch.nn.Linear(3, 3)\ndef example_inputs(): return torch.ones(1, 4)": (
        r"the network fails on inputs of float32 \[1, 4\]: RuntimeError"
    ),
    """
import torch
class Net(torch.nn.Module):
    def forward(self, x):
        return x * 2 if x.sum() > 0 else x
def build(): return Net()
def example_inputs(): return torch.ones(1, 4)
""": "torch.export cannot trace the network: .*data-dependent",
    """
import torch
class Net(torch.nn.Module):
    def forward(self, x): return x / 0
def build(): return Net()
def example_inputs(): return torch.ones(1, 4)
""": "the output output of the network is not finite",
    """
import torch
class Net(torch.nn.Module):
    def forward(self, x): return x, "done"
def build(): return Net()
def example_inputs(): return torch.ones(1, 4)
""": "the network gives str where tensors are expected",
}


@pytest.mark.parametrize("code", list(WRONG))
def test_code_that_does_not_do(here: Path, code: str) -> None:
    """One line of cause, and nothing is left."""
    (here / "net.py").write_text(code)
    with pytest.raises(UsageError, match=WRONG[code]):
        exported("net.py", "onnx")
    assert sorted(path.name for path in here.iterdir() if path.name != "__pycache__") == ["net.py"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            np.zeros((4, 1, 3, 9, 9), np.float32),
            r"x is float32 \[4, 1, 3, 9, 9\]; the input takes float32 \[1, 3, 8, 8\]",
        ),
        (np.zeros((4, 1, 3, 8, 8), np.complex64), r"x is complex64"),
        (np.array(["a", "b"]), "x is <U1"),
        (b"PK\x03\x04abc", r"x\.npz is not an \.npz of arrays"),
        (b"", r"x\.npz is not an \.npz of arrays"),
    ],
)
def test_inputs_that_do_not_fit(tmp_path: Path, content: np.ndarray | bytes, said: str) -> None:
    path = tmp_path / "x.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, x=content)
    spec = TensorSpec(name="x", shape=(1, 3, 8, 8), layout="NCHW", dtype="float32")
    with pytest.raises(UsageError, match=said) as caught:
        given_inputs(path, [spec])
    assert caught.value.hint


def test_code_that_ends_the_process(here: Path) -> None:
    (here / "net.py").write_text("import os\ndef build(): os._exit(3)")
    with pytest.raises(ToolError, match="tracing net ended with exit code 3") as caught:
        exported("net.py", "onnx")
    assert "its code may have ended the process" in caught.value.hint


LACKING = {
    "onnx": (
        "torch.nn.functional.adaptive_max_pool2d(x, (3, 5))",
        "torch.onnx cannot convert aten.adaptive_max_pool2d",
    ),
    "tflite": (
        "torch.nn.functional.adaptive_max_pool2d(x, (3, 5))",
        "litert-torch cannot convert aten.adaptive_max_pool2d",
    ),
    "openvino": ("torch.fft.rfft(x).abs()", "OpenVINO cannot convert aten._fft_r2c"),
}
"""What each converter lacks, and what is said of it."""


@pytest.mark.parametrize("format_", list(LACKING))
def test_an_operator_that_a_converter_lacks_is_named_with_its_line(here: Path, format_: str) -> None:
    """And not what the converter prints of itself."""
    (here / "net.py").write_text(
        f"""
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
    def forward(self, x):
        x = self.conv(x)
        return {LACKING[format_][0]}
def build(): return Net()
def example_inputs(): return torch.rand(1, 3, 16, 16)
"""
    )
    outcome = exported("net.py", format_)
    assert outcome.status == "failed to convert"
    said, hint = str(outcome.error), outcome.error.hint
    assert said.startswith(LACKING[format_][1])
    assert len(said.splitlines()) == 1
    assert ("(net.py, line 9)" in said) is (format_ != "openvino")  # which has taken it apart before
    assert hint == "write that part with other operators, leave it to the app, or name another --format"
    assert not (here / "artifacts" / "net" / f"{format_}-fp32").exists()


def test_a_type_that_a_runtime_lacks_is_named(here: Path) -> None:
    (here / "net.py").write_text(
        "import torch\ndef build(): return torch.nn.Conv2d(3, 4, 3).double()\n"
        "def example_inputs(): return torch.rand(1, 3, 8, 8, dtype=torch.float64)\n"
    )
    error = exported("net.py", "onnx").error
    assert str(error) == "ONNX Runtime has no Conv for the types that node 'node_conv2d' gets"
    assert error.hint


def test_a_size_that_depends_on_the_data_is_said(here: Path) -> None:
    (here / "net.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x): return x[x[:, 0] > 0.5]\n"
        "def build(): return Net()\ndef example_inputs(): return torch.rand(8, 4)\n"
    )
    outcome = exported("net.py", "onnx")
    assert outcome.status == "failed to convert"
    first = r"the output output is \[\d, 4\] for set \d+ of the inputs, and \[\d, 4\] for the first"
    assert re.match(f"{first}: its size depends on the data", str(outcome.error))
