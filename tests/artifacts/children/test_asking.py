"""The agent answers the same from a child that is forked as from its own program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.children.asking import ask_here
from edgekit.base.processes.warm import cold, is_warm
from edgekit.errors import EdgekitError, ToolError
from edgekit.types import Runtime
from edgekit.types.answers import InspectAnswer, RunAnswer

FILES: dict[Runtime, str] = {
    "onnxruntime": "onnx-fp32/model.onnx",
    "litert": "tflite-fp32/model.tflite",
    "openvino": "openvino-fp32/model.xml",
}


@pytest.mark.parametrize("runtime", FILES)
def test_both_ways_answer_the_same(tiny: Path, tmp_path: Path, runtime: Runtime) -> None:
    assert is_warm()
    request = {"model": str(tiny / FILES[runtime]), "threads": 1}
    facts = ask_here(InspectAnswer, runtime, request, 60, "inspecting it")
    given = tmp_path / "in.npy"
    shape = [3, *facts.inputs[0].shape[1:]]
    np.save(given, np.random.default_rng(0).random(shape, np.float32))
    files = {"inputs": str(given), "outputs": str(tmp_path / "forked.npy")}
    told = ask_here(RunAnswer, runtime, {**request, **files}, 60, "running it")
    with cold():
        assert ask_here(InspectAnswer, runtime, request, 60, "inspecting it") == facts
        files["outputs"] = str(tmp_path / "fresh.npy")
        again = ask_here(RunAnswer, runtime, {**request, **files}, 60, "running it")
    assert (told.count, told.output_dtype, told.settings) == (again.count, again.output_dtype, again.settings)
    np.testing.assert_array_equal(np.load(tmp_path / "forked.npy"), np.load(tmp_path / "fresh.npy"))


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "looking failed: no model file at "), (b"no model", "looking failed: onnxruntime cannot load ")],
)
def test_both_ways_refuse_in_the_same_words(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "model.onnx"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ToolError) as forked:
        ask_here(InspectAnswer, "onnxruntime", {"model": str(file), "threads": 1}, 60, "looking")
    with cold(), pytest.raises(ToolError) as fresh:
        ask_here(InspectAnswer, "onnxruntime", {"model": str(file), "threads": 1}, 60, "looking")
    assert (str(forked.value), forked.value.hint) == (str(fresh.value), fresh.value.hint)
    assert str(forked.value).startswith(said)


def test_a_child_that_runs_out_of_time_is_given_up(tiny: Path) -> None:
    request = {"model": str(tiny / FILES["onnxruntime"]), "threads": 1}
    with pytest.raises(EdgekitError, match=r"^looking ran out of time after 0\.001 s and was stopped"):
        ask_here(InspectAnswer, "onnxruntime", request, 0.001, "looking")
