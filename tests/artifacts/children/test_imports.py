"""Children import their packages before they are forked, not each of them again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from edgekit.artifacts.children import imports
from edgekit.artifacts.children.imports import audit, conversion, examination, own_conversion
from edgekit.catalog import profile_for

NETWORK = """
import torch

def example_inputs():
    return (torch.rand(1, 3, 8, 8),)

def build():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 5))
"""
CHILDREN = """
import importlib, json, sys
from pathlib import Path
import numpy as np
from edgekit.artifacts.children import own_jobs
from edgekit.artifacts.children.imports import PROGRAM
from edgekit.artifacts.own.requests import OwnSource, ReferenceRequest, TraceRequest

folder = Path(sys.argv[1])
for module in PROGRAM:
    importlib.import_module(module)
known = set(sys.modules)
source = OwnSource(place="own.py", factory="build", folder=folder)
made = own_jobs.trace(TraceRequest(source=source, weights=None, asked=(), rewrites=((),), folder=folder))
image = {made.inputs[0].name: np.zeros((1, 1, 3, 8, 8), np.float32)}
sets = folder / "sets.npz"
from edgekit.verify.sets_of_inputs import save_arrays
save_arrays(sets, [np.zeros((1, 1, 3, 8, 8), np.float32)])
own_jobs.reference(ReferenceRequest(program=made.programs[0].path, sets=sets, outputs=folder / "out.npz"))
print(json.dumps(sorted(set(sys.modules) - known)))
"""


def test_tracing_and_running_a_network_import_next_to_nothing(tmp_path: Path) -> None:
    """PyTorch's exporter is 1,200 modules, which every child imported when it began to trace or to read a program."""
    (tmp_path / "own.py").write_text(NETWORK)
    command = [sys.executable, "-c", CHILDREN, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    others = [name for name in json.loads(done.stdout.splitlines()[-1]) if not name.startswith("edgekit")]
    assert len(others) < 100, others
    assert not {name.partition(".")[0] for name in others} & {"sympy", "networkx", "onnx", "jax"}


TRAINS = """
import importlib, sys
from edgekit.artifacts.children import proxy_jobs
from edgekit.artifacts.children.imports import TRAINING

for module in TRAINING:
    importlib.import_module(module)
known = set(sys.modules)
proxy_jobs.arithmetic(proxy_jobs.ArithmeticRequest())
print(*sorted(set(sys.modules) - known))
"""


def test_a_training_imports_next_to_nothing() -> None:
    """A search has a child for each, and the first optimizer of a process imports PyTorch's compiler."""
    done = subprocess.run([sys.executable, "-c", TRAINS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) < 50, done.stdout


def test_shared_imports_come_first() -> None:
    """A warm interpreter begins with that of fewer imports, where there is one."""
    begin = imports.PROGRAM
    for format_ in ("onnx", "tflite", "openvino"):
        for precision in ("fp32", "int8"):
            assert own_conversion(profile_for(format_, precision))[: len(begin)] == begin
            assert conversion(profile_for(format_, precision))[: len(imports.NETWORK)] == imports.NETWORK
        assert audit(format_)[0] == examination(format_)[0] == "numpy"
