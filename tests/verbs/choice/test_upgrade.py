"""The gate of a runtime's upgrade."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.bench.session import Limits
from edgekit.devices.environments import Wanted
from edgekit.errors import UsageError
from edgekit.gate import upgrade as pairs
from edgekit.verbs.choice import upgrade as module
from edgekit.verbs.choice.upgrade import gate_upgrade

SHORT = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=20, min_s=0.01, max_s=0.2)
OLD, NEW = Wanted("onnxruntime", "1.0"), Wanted("onnxruntime", "2.0")


@pytest.fixture
def here(monkeypatch, tiny, tmp_path):
    """Both environments are this one, and the artifact is tiny."""
    monkeypatch.setattr(module, "python_with", lambda *_: Path(sys.executable))

    def run(**options):
        return gate_upgrade(
            [str(tiny / "onnx-fp32")], OLD, NEW, limits=SHORT, results_root=tmp_path / "results", seed=1, **options
        )

    return run


def test_the_same_version_twice_is_never_called_slower(here, tmp_path, heard):
    """On a busy machine the guards drop the pairs: then nothing is decided."""
    (result,) = here(progress=heard)
    assert result.status in ("PASS", "INCONCLUSIVE", "INVALID"), result.reason
    assert result.candidate_runtime == "2.0"
    assert result.baseline_sha256 == result.candidate_sha256
    assert result.notes[0] == "the outputs are identical"
    assert "no operator changed" in result.notes[1]
    assert len(result.pairs) >= 5
    (kept,) = (tmp_path / "results" / "local").glob("*.json")
    assert json.loads(kept.read_text())["status"] == result.status


def test_other_outputs_fail_before_anything_is_timed(here, monkeypatch):
    real = pairs.load_arrays

    def spoilt(path):
        arrays = real(path)
        return [np.flip(array, -1) for array in arrays] if "candidate" in path.name else arrays

    monkeypatch.setattr(pairs, "load_arrays", spoilt)
    (result,) = here()
    assert (result.status, result.exit_code, result.pairs) == ("FAIL", 1, ())
    assert result.reason.startswith("the outputs are others: ")


def test_two_runtimes_are_refused(tmp_path):
    with pytest.raises(UsageError, match="are two runtimes"):
        gate_upgrade([], OLD, Wanted("openvino", "2025.0"), results_root=tmp_path)
