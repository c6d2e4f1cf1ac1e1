"""Ranges tied across concatenations, and wide ones made narrow: nothing is requantized, everything is delegated."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgekit.convert.tflite.concat import narrow_concats
from edgekit.convert.tflite.ranges import joined_sets, tie_ranges


class Branches(nn.Module):
    """Branches of very different ranges, joined, and one of them read on its own as well."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(3, 2, 1) for _ in range(count))
        self.head, self.side = nn.Conv2d(2 * count, 4, 1), nn.Conv2d(2, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = [branch(x) for branch in self.branches]
        made: Tensor = self.head(torch.cat(parts, 1)) + self.side(parts[0])
        return made


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    import litert_torch

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("concat") / "model.tflite"
    network = litert_torch.to_channel_last_io(Branches(11).eval(), args=[0])
    litert_torch.convert(network, (torch.zeros(1, 4, 4, 3),)).export(str(path))
    return path


def run(path) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    interpreter.set_tensor(given["index"], np.random.default_rng(0).standard_normal(given["shape"]).astype(np.float32))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def widths(path) -> list[int]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    return [len(op["inputs"]) for op in interpreter._get_ops_details() if op["op_name"] == "CONCATENATION"]


def test_a_wide_concatenation_becomes_narrow_ones_of_the_same_values(model_file, tmp_path):
    narrow = tmp_path / "narrow.tflite"
    narrow.write_bytes(model_file.read_bytes())
    assert widths(model_file) == [11]
    assert narrow_concats(narrow) == 1
    assert sorted(widths(narrow)) == [3, 3, 4, 4]
    np.testing.assert_array_equal(run(narrow), run(model_file))
    assert narrow_concats(narrow) == 0


def test_what_is_joined_shares_its_range(model_file):
    (names,) = joined_sets(model_file)
    assert len(names) == 12
    ranges = {name: {"min": np.array([-i - 1.0]), "max": np.array([i + 2.0])} for i, name in enumerate(names)}
    ranges["other"] = {"min": np.array([-99.0]), "max": np.array([99.0])}
    assert tie_ranges(model_file, ranges) == 1
    assert {(float(ranges[n]["min"][0]), float(ranges[n]["max"][0])) for n in names} == {(-12.0, 13.0)}
    assert float(ranges["other"]["max"][0]) == 99.0


def test_a_set_that_was_not_calibrated_is_left_alone(model_file):
    (names,) = joined_sets(model_file)
    ranges = {name: {"min": np.array([-1.0]), "max": np.array([float(i)])} for i, name in enumerate(names[1:])}
    before = {name: float(entry["max"][0]) for name, entry in ranges.items()}
    assert tie_ranges(model_file, ranges) == 0
    assert {name: float(entry["max"][0]) for name, entry in ranges.items()} == before
