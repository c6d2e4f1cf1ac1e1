"""The verb ``lint``: a card's network and one of a user's own code, with measured times beside."""

from pathlib import Path

import pytest

from edgekit.artifacts.own.requests import Sized
from edgekit.errors import UsageError
from edgekit.reports.store import load, save
from edgekit.types import OpTime
from edgekit.verbs.networks.advice import advice_for
from edgekit.verbs.networks.facts import facts_of_card
from edgekit.verbs.networks.lint import lint

BASE = load(Path(__file__).parents[2] / "data" / "report_v1.json")
MODEL = "shufflenet_v1_g3_0.5"
CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = nn.Conv2d(3, 48, 1)
        self.split = nn.Conv2d(48, 48, 3, padding=1, groups=4)

    def forward(self, x):
        y = self.wide(x)
        return y + self.split(torch.relu(y))

def build():
    return Net()
"""


@pytest.fixture
def measured(tmp_path):
    """Stores a measurement of the network with these operators."""

    def keep(operators, profile="onnx-fp32", **changes):
        fields = {"model": MODEL, "profile": profile, "per_op": operators, **changes}
        save(tmp_path, BASE.model_copy(update=fields))
        return tmp_path

    return keep


def test_every_guideline_speaks_of_layers_and_of_the_whole(tmp_path):
    found = lint(MODEL, reports=tmp_path)
    assert {one.guideline for one in found.findings} == {"G1", "G2", "G3", "G4"}
    assert [f"{one.guideline}: {one.text}" for one in found.totals] == advice_for(MODEL)
    assert found.timed is None
    shares = [one.share for one in found.findings]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) < 1


def test_times_stand_beside_the_layers_that_the_names_tell(measured):
    _, facts = facts_of_card(MODEL)
    convolutions = facts.convolutions
    by_number = [OpTime(name=f"node_conv2d_{n}", type="Conv", ns=100 + n) for n in range(len(convolutions))]
    by_number[1] = OpTime(name="relu_1_nchwc", type="FusedConv", ns=101)
    found = lint(MODEL, reports=measured((*by_number, OpTime(name="add", type="Add", ns=300))))
    assert found.timed is not None
    assert found.timed.layers == {conv.name: 100 + n for n, conv in enumerate(convolutions)}
    assert found.timed.element_wise == pytest.approx(300 / (300 + sum(op.ns for op in by_number)))
    first = next(one for one in found.findings if one.guideline == "G1")
    assert found.ns_of(first) == found.timed.layers[first.layer]


def test_names_of_modules_and_numbers_that_contradict(measured):
    _, facts = facts_of_card(MODEL)
    name = facts.convolutions[3].name
    op = OpTime(name=f"__module.{name.replace('.', '_')}/aten::_convolution/Convolution", type="Convolution", ns=7)
    reports = measured((op,), "openvino-fp32")
    assert lint(MODEL, reports=reports).timed.layers == {name: 7}
    swapped = [OpTime(name=f"node_conv2d_{n}", type="Conv", ns=1) for n in range(len(facts.convolutions))]
    swapped[0], swapped[1] = swapped[1], swapped[0]
    reports = measured(tuple(swapped), "onnx-fp32")
    found = lint(MODEL, BASE.device.id, profile="onnx-fp32", reports=reports)
    assert found.timed is not None
    assert found.timed.layers == {}
    with pytest.raises(UsageError, match=f"no measurement of {MODEL} on rpi9") as caught:
        lint(MODEL, "rpi9", reports=reports)
    assert "--per-op" in caught.value.hint


def test_a_simulated_board_has_no_operator_times_to_ask_for(tmp_path):
    with pytest.raises(UsageError, match="sim-rpi4 counts whole functions") as caught:
        lint(MODEL, "sim-rpi4", reports=tmp_path)
    assert caught.value.hint.startswith("edgekit lint --calibrate --device sim-rpi4")


def test_a_network_of_ones_own_code(tmp_path, monkeypatch, heard):
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(CODE)
    found = lint("net.py", inputs=[Sized(name="", shape=(1, 3, 16, 16))], reports=tmp_path, progress=heard)
    assert found.model == "net"
    seen = {(one.guideline, one.layer) for one in found.findings}
    assert {("G1", "wide"), ("G2", "split"), ("G4", "")} <= seen
    assert any("running the code of net.py" in line for line in heard.lines)


def test_what_cannot_be_judged_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is for networks of your own code"):
        lint(MODEL, inputs=[Sized(name="", shape=(1, 3, 8, 8))], reports=tmp_path)
    (tmp_path / "net.onnx").write_bytes(b"a file")
    with pytest.raises(UsageError, match="in PyTorch"):
        lint(str(tmp_path / "net.onnx"), reports=tmp_path)
