"""OpenVINO int8: slices and concatenations move bytes, and a part that is read in float stays float."""

from __future__ import annotations

import numpy as np
import openvino
import pytest
import torch
from openvino import opset13
from torch import Tensor, nn

from edgekit.convert.job import Job
from edgekit.convert.openvino.convert import quantize
from edgekit.convert.openvino.ranges import CUTTING, join_ranges
from edgekit.forms.profiles import choose_profiles
from edgekit.types import Preprocessing
from edgekit.verify.parity import sqnr_db


class Parts(nn.Module):
    """Two maps, each read in parts, as a folded ShuffleNet V2 does; ``act`` may give negative values."""

    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.first, self.act = nn.Conv2d(3, 16, 3), act
        self.second, self.third = nn.Conv2d(8, 16, 3, padding=1), nn.Conv2d(24, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.first(x))
        y = 3 * self.act(self.second(x[:, :8]))
        made: Tensor = self.third(torch.cat([x[:, 8:], y[:, 4:], x[:, :4]], 1))
        return made


def exported(network: nn.Module, tmp_path, in_float: tuple[str, ...] = ()) -> tuple[openvino.Model, Tensor]:
    """The network in int8, and its inputs."""
    rows = torch.randn(8, 3, 10, 10, generator=torch.Generator().manual_seed(1))
    preprocessing = Preprocessing(resize=10, crop=10, mean=(0.0,) * 3, std=(1.0,) * 3)
    job = Job(
        network.eval(),
        choose_profiles("openvino", int8=True, ranges="min-max")[0],
        "x86-avx2",
        preprocessing,
        rows.numpy(),
        tmp_path,
    )
    model = openvino.convert_model(network, example_input=rows[:1], input=[1, 3, 10, 10])
    nodes = [
        op.get_friendly_name()
        for op in model.get_ops()
        if any(f".{layer}/" in op.get_friendly_name() for layer in in_float)
    ]
    assert bool(nodes) == bool(in_float)
    return quantize(model, job, nodes), rows


def quantizers_behind_slices(model: openvino.Model) -> int:
    return sum(
        target.get_node().get_type_name() == "FakeQuantize"
        for op in model.get_ops()
        if op.get_type_name() in CUTTING
        for output in op.outputs()
        for target in output.get_target_inputs()
    )


@pytest.mark.parametrize("act", [nn.ReLU(), nn.Hardswish()], ids=["positive", "signed"])
def test_slices_and_concatenations_run_in_int8(act, tmp_path):
    torch.manual_seed(0)
    network = Parts(act)
    model, rows = exported(network, tmp_path)
    assert quantizers_behind_slices(model) == 0
    assert join_ranges(model) == 0, "nothing left to do"
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    executed = {
        op.get_friendly_name(): str(op.get_output_element_type(0))
        for op in compiled.get_runtime_model().get_ops()
        if op.get_rt_info()["layerType"].astype(str) in ("Concatenation", "Split")
    }
    assert executed
    assert set(executed.values()) <= {"<Type: 'uint8_t'>", "<Type: 'int8_t'>"}, executed
    with torch.no_grad():
        exact = network(rows).flatten(1).numpy()
    made = np.stack([compiled(row[None])[0].ravel() for row in rows.numpy()])
    assert sqnr_db(exact, made) > 25


def test_a_part_that_is_read_in_float_stays_float(tmp_path):
    torch.manual_seed(0)
    model, _ = exported(Parts(nn.ReLU()), tmp_path, in_float=("second",))
    (conv,) = (
        op for op in model.get_ops() if op.get_type_name() == "Convolution" and "second" in op.get_friendly_name()
    )
    source = conv.input_value(0).get_node()
    while source.get_type_name() in CUTTING:
        source = source.input_value(0).get_node()
    assert source.get_type_name() != "FakeQuantize"


@pytest.mark.parametrize(
    "ends", [(-1.0, 3.0, -2.0, 1.5), (0.0, 3.0, 0.0, 5.0), (-4.0, 0.0, -2.0, 0.0), (-4.0, 0.004, -2.0, 0.0)]
)
def test_the_joint_range_holds_all_and_zero_is_a_step(ends):
    given = opset13.parameter([1, 8, 4, 4], np.float32)
    map_ = opset13.sigmoid(given)
    parts = []
    for start, low, high in ((0, *ends[:2]), (4, *ends[2:])):
        part = opset13.slice(map_, [start], [start + 4], [1], [1])
        limits = [opset13.constant(np.float32(end)) for end in (low, high, low, high)]
        parts.append(opset13.relu(opset13.fake_quantize(part, *limits, 256)))
    model = openvino.Model([opset13.result(part) for part in parts], [given])
    assert join_ranges(model) == 1
    (quantizer,) = (op for op in model.get_ops() if op.get_type_name() == "FakeQuantize")
    low, high = (quantizer.input_value(at).get_node().get_data().item() for at in (1, 2))
    half = (max(ends) - min(ends)) / 510
    assert low <= min(ends) + 1e-6
    assert high >= max(ends) - half
    assert high - low < 1.01 * (max(ends) - min(ends))
    steps = -low * 255 / (high - low)
    assert abs(steps - round(steps)) < 1e-3
