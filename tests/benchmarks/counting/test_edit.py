"""TFLite files changed on purpose compute what they computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.counting.split_group import with_split_group
from benchmarks.counting.transpose import with_transpose
from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.catalog import find_profile
from edgekit.types import Stored
from edgekit.verbs.export import export


def outputs(stored: Stored) -> np.ndarray:
    """What LiteRT computes of one fixed input."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(stored.folder / stored.artifact.model_file))
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    interpreter.set_tensor(given["index"], np.random.default_rng(0).random(given["shape"], np.float32))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def operators(stored: Stored) -> int:
    """How many operators the file has."""
    from ai_edge_litert import schema_py_generated as schema

    content = (stored.folder / stored.artifact.model_file).read_bytes()
    return schema.Model.GetRootAs(content, 0).Subgraphs(0).OperatorsLength()


def test_a_split_convolution_and_a_pair_of_transposes_change_nothing_but_the_work(tmp_path: Path) -> None:
    options = ExportOptions(out=tmp_path / "out")
    (outcome,) = export(["shufflenet_v1_g3_0.25"], [find_profile("tflite-int8")], options, silent)
    assert outcome.status == "converted", outcome.error
    assert outcome.folder is not None
    stored = read_manifest(outcome.folder)
    expected = outputs(stored)
    for change, more in ((with_split_group, 4), (with_transpose, 2)):
        changed = change(stored, tmp_path)
        assert operators(changed) == operators(stored) + more
        assert np.array_equal(outputs(changed), expected)


def test_a_file_without_groups_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no CONV_2D has groups"):
        with_split_group(read_manifest(tiny / "tflite-fp32"), tmp_path)
