"""The micro-benchmarks of the guidelines, made and measured on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgekit.bench.session import Limits
from edgekit.errors import NotComparableError, UsageError
from edgekit.reports.guideline_store import calibrations
from edgekit.verbs.networks.calibrate import calibrate
from edgekit.verbs.networks.lint import lint
from edgekit.zoo.probes import probes

BRIEF = Limits(warmup_min_iterations=2, warmup_min_s=0.0, min_iterations=10, min_s=0.02, max_s=0.2)


@pytest.mark.slow
def test_micro_benchmarks_are_measured_and_lint_knows_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of two degrees of two guidelines; all of them take minutes on a busy machine."""
    some = [one for one in probes() if one.guideline in ("G1", "G2") and one.degree <= 2]
    monkeypatch.setattr("edgekit.zoo.probes.probes", lambda: some)
    found, path = calibrate("local", "onnx", turns=5, limits=BRIEF, reports=tmp_path)
    assert [one.name for one in found.probes] == ["g1_1", "g1_2", "g2_1", "g2_2"]
    assert path == tmp_path / "local" / "guidelines" / "onnx.json"
    assert calibrations(tmp_path, "local") == calibrations(tmp_path, None) == [found]
    for one in found.probes:
        assert one.low <= one.ratio <= one.high
    kept = {one.guideline: one for one in reversed(found.probes)}
    assert {one.ratio for one in kept.values()} == {1.0}
    assert {one.degree for one in kept.values()} == {1}
    linted = lint("shufflenet_v1_g8_0.5", "local", reports=tmp_path)
    assert linted.here == found
    weights = {one.guideline: linted.weight_of(one) for one in linted.findings}
    last = found.probes[-1]
    assert weights["G2"] == found.factor("G2", 8) == (last.ratio if last.proven else None)
    assert weights["G4"] is None


def test_all_of_a_guideline_compute_about_as_much() -> None:
    from edgekit.zoo.complexity import layer_costs, total_cost

    macs: dict[str, list[int]] = {}
    for one in probes():
        with torch.no_grad():
            assert one.network()(one.example).shape == one.example.shape
        cost = total_cost(layer_costs(one.network(), tuple(one.example.shape)))
        macs.setdefault(one.guideline, []).append(cost.macs)
    for of_one in macs.values():
        assert max(of_one) < 1.06 * min(of_one)


def test_what_cannot_be_calibrated(tmp_path: Path) -> None:
    with pytest.raises(NotComparableError, match="virtual-rpi4 is emulated"):
        calibrate("virtual-rpi4", reports=tmp_path)
    with pytest.raises(UsageError, match="--rounds must be at least 5, got 2"):
        calibrate("local", turns=2, reports=tmp_path)
