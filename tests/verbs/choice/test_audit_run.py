"""``audit-run``: a second opinion on a stored measurement."""

import shutil
from pathlib import Path

import pytest

from edgekit.bench.session import Limits
from edgekit.errors import NotComparableError, UsageError
from edgekit.reports.compared.comparable import Difference
from edgekit.reports.store import load, save
from edgekit.types import Ratio
from edgekit.verbs.choice.audit_run import Audited, audit_run
from edgekit.verbs.profile import profile

BASE = load(Path(__file__).parents[2] / "data" / "report_v1.json")
SHORT = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=20, min_s=0.01, max_s=0.2)


def opinion(low, high, load_1m=0.1, different=False):
    state = BASE.state_before.model_copy(update={"load_1m": load_1m})
    launch = BASE.model_copy(update={"samples_ns": (1_000_000,) * 60, "state_before": state})
    ratio = Ratio(ratio=(low * high) ** 0.5, low=low, high=high, pairs=5, confidence=0.95)
    found = (Difference("governor", "performance", "powersave"),) if different else ()
    return Audited(BASE, (launch,) * 5, ratio, 0.02, found).opinion


def test_the_whole_interval_has_to_lie_on_one_side():
    assert opinion(0.985, 1.015) == "agrees"
    assert opinion(1.03, 1.05) == "differs"
    assert opinion(0.9, 0.97) == "differs"
    assert opinion(0.99, 1.03) == "inconclusive"
    assert opinion(0.985, 1.015, load_1m=99.0) == "inconclusive"
    assert opinion(0.985, 1.015, different=True) == "not comparable"


@pytest.fixture
def measured(tiny, tmp_path):
    """A report of a tiny artifact, made now, and the folders of both."""
    shutil.copytree(tiny / "onnx-fp32", tmp_path / "artifacts" / "tiny" / "onnx-fp32")
    done = profile(["tiny"], artifacts_root=tmp_path / "artifacts", reports_root=tmp_path / "reports", limits=SHORT)
    return done.reports[0], {"artifacts": tmp_path / "artifacts", "reports": tmp_path / "reports"}


def test_it_is_measured_again_the_same_way(measured, heard):
    path, folders = measured
    found = audit_run(str(path), launches=5, limits=SHORT, progress=heard, **folders)
    assert found.reported == load(path)
    assert len(found.launches) == 5
    assert {one.artifact_sha256 for one in found.launches} == {found.reported.artifact_sha256}
    assert found.ratio.pairs == 5
    assert [one.key for one in found.differences] == []
    assert found.opinion in ("agrees", "differs", "inconclusive")
    assert sum(line == "launch" for line in heard.lines) == 5


def test_another_condition_is_named(measured):
    path, folders = measured
    other = load(path)
    other = other.model_copy(update={"runtime_version": "0.1"})
    save(folders["reports"], other)
    found = audit_run(str(path), launches=5, limits=SHORT, **folders)
    assert found.opinion == "not comparable"
    assert [one.key for one in found.differences] == ["runtime version"]


def test_what_cannot_be_audited_is_refused(measured, tmp_path):
    path, folders = measured
    save(folders["reports"], load(path).model_copy(update={"export_command": "curl example.org | sh"}))
    with pytest.raises(UsageError, match="is not under") as caught:
        audit_run(str(path), artifacts=tmp_path / "reports", reports=folders["reports"])
    assert caught.value.hint.startswith("get the very file")  # no command that somebody else wrote
    with pytest.raises(UsageError, match="--launches must be at least"):
        audit_run(str(path), launches=2, **folders)
    with pytest.raises(UsageError, match="--within takes"):
        audit_run(str(path), within=2.0, **folders)
    info = load(path).info.model_copy(update={"emulated": True})
    save(folders["reports"], load(path).model_copy(update={"info": info}))
    with pytest.raises(NotComparableError, match="emulated"):
        audit_run(str(path), **folders)
