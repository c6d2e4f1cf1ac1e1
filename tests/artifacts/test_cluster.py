"""Exports on a real Dask cluster on loopback: a scheduler and workers, some of which are killed."""

from __future__ import annotations

import re
import shutil
import signal
import threading
from pathlib import Path

import pytest

import edgekit
from edgekit.artifacts import cluster
from edgekit.artifacts.cluster import Delivery, export_on_cluster, unpack
from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.store import read_manifest
from edgekit.artifacts.tasks import Outcome, Task
from edgekit.base.owned import MARK
from edgekit.base.processes.isolate import Failed
from edgekit.base.progress import silent
from edgekit.catalog import find_card, profile_for
from edgekit.errors import ToolError, UsageError
from tests.support.dask_cluster import Cluster

pytest.importorskip("distributed")

ROOT = Path(edgekit.__file__).parent
TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "tflite-fp32"


@pytest.fixture
def card(tmp_path) -> str:
    """SqueezeNet 1.1 at 64 pixels."""
    text = (ROOT.parent / "models" / "squeezenet_1.1.toml").read_text().split("[[weights]]")[0].replace("224", "64")
    text = text.replace('id = "squeezenet_1.1"', 'id = "small"').replace("resize = 256", "resize = 72")
    path = tmp_path / "small.toml"
    path.write_text(re.sub("^aliases = .*$", "", text, flags=re.MULTILINE))
    return str(path)


def export(cluster: Cluster, card: str, out: Path, *precisions: str, cache: Path | None = None) -> list[Outcome]:
    profiles = [profile_for("tflite", precision) for precision in precisions]
    options = ExportOptions(out=out, cache=cache)
    return export_on_cluster(cluster.address, [card], profiles, options, silent, lambda _: None)


@pytest.mark.slow
def test_killed_worker_is_survived(make_cluster, card, tmp_path):
    """Artifacts come back over the wire; what the dead worker had is done by the other; the cache has them all."""
    cluster = make_cluster()
    cluster.worker()
    cluster.worker()
    killed: list[str] = []
    killer = threading.Thread(target=lambda: killed.append(cluster.kill_the_busy_one()))
    killer.start()
    outcomes = export(cluster, card, tmp_path / "out", "fp32", "int8", cache=tmp_path / "cache")
    killer.join()
    assert [o.status for o in outcomes] == ["converted"] * 2, [str(o.error) for o in outcomes]
    assert cluster.workers[killed[0]].wait() == -signal.SIGKILL
    for outcome in outcomes:
        assert outcome.folder == tmp_path / "out" / "small" / outcome.profile
        there = sorted(path.name for path in outcome.folder.iterdir())
        assert there == [MARK, "check.npz", "manifest.json", "model.tflite", "use", "use.py"]
        assert outcome.cpu_seconds > 0
        assert not outcome.cached
    again = export(cluster, card, tmp_path / "again", "fp32", "int8", cache=tmp_path / "cache")
    assert [o.cached for o in again] == [True, True]


@pytest.mark.slow
def test_task_that_costs_its_worker_is_given_up(make_cluster, card, tmp_path):
    """With no death allowed, the task whose worker was killed has failed, and the other one is done."""
    cluster = make_cluster(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    cluster.worker()
    cluster.worker()
    killer = threading.Thread(target=cluster.kill_the_busy_one)
    killer.start()
    outcomes = export(cluster, card, tmp_path / "out", "fp32", "int8")
    killer.join()
    assert sorted(o.status for o in outcomes) == ["converted", "failed to convert"]
    (failed,) = [o for o in outcomes if o.error is not None]
    assert re.search("was given up: 1 worker ended while working on it", str(failed.error))
    assert [p.name for p in (tmp_path / "out" / "small").iterdir()] == [
        o.profile for o in outcomes if o.status == "converted"
    ]


@pytest.mark.slow
def test_other_edgekit_on_a_worker_is_refused(make_cluster, card, tmp_path):
    copy = tmp_path / "other" / "edgekit"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for kind in ("models", "export_profiles"):
        shutil.copytree(ROOT.parent / kind, copy.parent / kind)
    with (copy / "base" / "images" / "pixels.py").open("a") as stream:
        stream.write("# changed\n")
    cluster = make_cluster()
    cluster.worker(PYTHONPATH=str(copy.parent))
    with pytest.raises(ToolError, match=r"has another edgekit: .* here") as caught:
        export(cluster, card, tmp_path / "out", "fp32")
    assert "install the same version on every worker" in caught.value.hint


@pytest.mark.slow
def test_why_layers_were_not_measured_comes_back_beside_the_artifact(tmp_path):
    artifact = read_manifest(TINY).artifact
    card = find_card("mobilenet_v3").model_copy(update={"id": "tiny"})
    task = Task(card, None, (profile_for("tflite", "fp32"),))
    files = {path.name: path.read_bytes() for path in TINY.iterdir()}
    why = Failed.of(ToolError("measuring the layers of tiny: KeyError: 186", "look"))
    delivery = Delivery("converted", 1.0, 1.0, files, [], why)
    outcome = unpack(task, ExportOptions(out=tmp_path), delivery, silent)
    assert outcome.artifact == artifact
    assert outcome.folder == tmp_path / "tiny" / "tflite-fp32"
    assert (str(outcome.layers_error), outcome.layers_error.hint) == (
        "measuring the layers of tiny: KeyError: 186",
        "look",
    )
    assert outcome.error is None


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "..", "a/b"])
def test_a_name_from_a_worker_that_leads_out_is_refused(tmp_path, name):
    task = Task(find_card("mobilenet_v3"), None, (profile_for("tflite", "fp32"),))
    files = {path.name: path.read_bytes() for path in TINY.iterdir()} | {name: b"evil"}
    delivery = Delivery("converted", 1.0, 1.0, files, [])
    outcome = unpack(task, ExportOptions(out=tmp_path / "out"), delivery, lambda _: None)
    assert outcome.folder is None
    assert repr(name) in str(outcome.error)
    assert list(tmp_path.iterdir()) == []


def test_scheduler_without_workers(make_cluster, card, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 2)
    with pytest.raises(ToolError, match="has no worker") as caught:
        export(make_cluster(), card, tmp_path / "out", "fp32")
    assert caught.value.hint.startswith("dask worker tcp://127.0.0.1:")


def attempt(address: str, card: str, out: Path) -> list[Outcome]:
    profiles, options = [profile_for("tflite", "fp32")], ExportOptions(out=out)
    return export_on_cluster(address, [card], profiles, options, silent, lambda _: None)


@pytest.mark.parametrize("address", ["localhost", "nonsense", "http://127.0.0.1:8786", "tcp://127.0.0.1", "a b:1", ""])
def test_what_is_no_address_is_refused_at_once(address, card, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 0)
    with pytest.raises(UsageError, match=f"--scheduler {address!r} is not the address of a Dask scheduler") as caught:
        attempt(address, card, tmp_path)
    assert "tcp://HOST:PORT" in caught.value.hint


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1:1", "tcp://[::1]:1"])
def test_nobody_answers(address, card, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 2)
    with pytest.raises(ToolError, match=re.escape(f"no Dask scheduler answers at {address}")) as caught:
        attempt(address, card, tmp_path)
    assert caught.value.exit_code == 3
    assert "dask scheduler" in caught.value.hint
