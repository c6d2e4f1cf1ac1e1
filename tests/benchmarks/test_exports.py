from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import plain_exports
from benchmarks.edgekit_exports import conversion_cpu, edgekit_key
from benchmarks.exports import PACKAGE
from benchmarks.plain_exports import (
    agreement,
    closure,
    layout_facts,
    plain_export,
    plain_key,
    run_plain,
    tensor_spec,
    weights_code,
)
from edgekit.base.progress import Step
from edgekit.bench.launch import call_agent
from edgekit.catalog import find_card, profile_for
from edgekit.errors import ToolError
from edgekit.types.answers import InspectAnswer
from edgekit.verify.audit import audit

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"


def test_the_key_covers_the_networks_own_modules_only() -> None:
    names = [path.name for path in closure(PACKAGE / "zoo" / "igcv3.py")]
    assert names == ["blocks.py", "igcv3.py", "permutation.py"]


def test_the_key_of_a_plain_export_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    card = find_card("mobilenet_v2")
    key = plain_key(card, "onnx", "fp32")
    assert key == plain_key(card, "onnx", "fp32")
    assert key != plain_key(card, "onnx", "int8")
    assert key != plain_key(card, "openvino", "fp32")
    assert key != plain_key(find_card("mobilenet_v2_0.5"), "onnx", "fp32")
    other = edgekit_key(card)
    monkeypatch.setattr(plain_exports.plain, "tool_versions", lambda _: {"onnx": "0.1"})
    assert plain_key(card, "onnx", "fp32") != key
    assert edgekit_key(card) == other


def test_the_weights_are_made_by_what_the_key_holds() -> None:
    seed, std, wider, biases, statistics, network = weights_code()
    assert "Constant(value=0)" in seed
    assert "BN_BIAS_STD" in std
    assert "WIDER_BIAS" in wider
    assert "uniform_" in biases
    assert "running_var" in statistics
    assert "manual_seed" in network


def test_a_plain_export_that_cannot_begin_says_why(tmp_path: Path) -> None:
    request = {"model": "no_such_network", "folder": str(tmp_path)}
    with pytest.raises(ToolError, match="the plain export: UsageError: unknown model 'no_such_network'"):
        run_plain(request, "the plain export")


def test_cpu_seconds_are_those_of_the_conversion() -> None:
    begin, end = Step("converting", ("net onnx-int8",)), Step("verifying", ("net onnx-int8",))
    heard = {Step("building"): 1.0, begin: 5.0, end: 12.5}
    assert conversion_cpu(heard, "net onnx-int8") == 7.5
    assert conversion_cpu(heard, "net onnx-fp32") is None
    assert conversion_cpu({begin: 5.0}, "net onnx-int8") is None


def test_agreement_is_parity() -> None:
    reference = np.array([[3.0, 4.0], [0.0, 5.0]], np.float32)
    found = agreement(reference, reference * 1.1)
    assert found["sqnr_db"] == pytest.approx(20.0, abs=1e-4)
    assert found["cosine_min"] == pytest.approx(1.0)
    assert found["top1_agree"] == 2
    assert agreement(reference, reference[:, ::-1])["top1_agree"] == 0
    for broken in (reference[:1], reference * np.nan):
        with pytest.raises(ToolError):
            agreement(reference, broken)


def test_layouts_are_counted_as_the_audit_counts_them() -> None:
    file = TINY / "tflite-int8" / "model.tflite"
    seen = call_agent({"command": "inspect", "runtime": "litert", "model": str(file), "threads": 1}, 60, "inspect")
    card = find_card("mobilenet_v2")
    ends = [tensor_spec(seen["inputs"][0], card, "NHWC"), tensor_spec(seen["outputs"][0], card, "NC")]
    assert (ends[0].shape, ends[0].preprocessing) == ((1, 8, 8, 3), card.preprocessing)
    assert ends[1].preprocessing is None
    facts = InspectAnswer.from_plain(seen)
    known = audit(facts, file, profile_for("tflite", "int8"), (ends[0],), (ends[1],))
    assert layout_facts(seen) == {
        "transposes": known.transposes,
        "executed_ops": sum(known.executed.values()),
        "partitions": known.delegate_partitions,
        "delegated_share": known.delegated_share,
    }


def test_a_failed_export_is_an_answer_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ToolError("the converter crashed with SIGABRT")

    monkeypatch.setattr(plain_exports, "make_plain", fail)
    card = find_card("mobilenet_v2")
    made = plain_export(card, "onnx", "fp32", tmp_path)
    assert (made.model_file, made.error) == (None, "the converter crashed with SIGABRT")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
