"""Baselines: pinned here, fetched from elsewhere, measured behind SSH and on emulated boards."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgekit.base.owned import MARK
from edgekit.base.progress import Event, silent
from edgekit.bench.session import Session
from edgekit.devices.reach import reach
from edgekit.devices.ssh import SshMachine
from edgekit.errors import ToolError, UsageError
from edgekit.gate.baselines import PIN, REPORT, read_pin
from edgekit.gate.engine import run_gate
from edgekit.gate.pairs import Pairing
from edgekit.reports.indexed.reader import read_latest
from edgekit.types import Baseline, Stored
from edgekit.verbs import gate as gate_module
from edgekit.verbs.devices import add_device
from edgekit.verbs.gate import gate, plan, update
from tests.verbs.gate.conftest import KEY, SHORT, TINY, planned

# Pinning


def test_a_pin_is_whole_and_says_under_which_conditions(artifact: Path) -> None:
    (made,) = update([str(artifact)], limits=SHORT)
    assert made.folder == Path("device_reports") / "local" / f"{KEY}.baseline"
    assert (made.key, made.replaced) == (KEY, None)
    assert {path.name for path in made.folder.iterdir()} == {PIN, REPORT, MARK, "manifest.json", "model.tflite"}
    pin = read_pin(made.folder)
    assert pin.conditions.runtime == "litert"
    assert pin.conditions.threads == 1
    assert pin.p50_ms == made.p50_ms
    assert read_latest(Path("device_reports")) == ([], [])  # a pin is no report of the store
    again = update([str(artifact)], limits=SHORT)
    assert again[0].replaced == made.sha256


@pytest.mark.parametrize("cores", [None, "0"])
def test_what_stands_at_the_pins_place_is_found_before_measuring(
    artifact: Path, cores: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path("device_reports") / "local" / f"{KEY}{'' if cores is None else '-c0'}.baseline"
    place.mkdir(parents=True)
    (place / "thesis.txt").write_text("mine")

    def reached(*_: object) -> None:
        raise AssertionError("it was measured")

    monkeypatch.setattr(gate_module, "reach", reached)
    with pytest.raises(UsageError, match=r"that edgekit did not make.*thesis\.txt"):
        update([str(artifact)], cores=cores, limits=SHORT)
    assert (place / "thesis.txt").read_text() == "mine"


def test_cores_are_part_of_the_key(artifact: Path) -> None:
    (made,) = update([str(artifact)], cores=" 0 ", limits=SHORT)
    assert made.key == f"{KEY}-c0"
    assert read_pin(made.folder).conditions.affinity == (0,)
    (pinned_gate,) = planned(artifact, cores="0")
    assert pinned_gate.baseline.pin is not None
    assert planned(artifact)[0].baseline.pin is None
    with pytest.raises(UsageError, match="--cores takes big, little or core numbers, got 'all'"):
        planned(artifact, cores="all")


def test_an_artifact_that_is_not_what_was_verified_is_not_pinned(artifact: Path) -> None:
    (artifact / "model.tflite").write_bytes(b"broken")
    with pytest.raises(UsageError, match="not the file that was verified"):
        update([str(artifact)], limits=SHORT)
    assert not list(Path("device_reports").rglob(PIN))


def test_an_emulated_device_holds_no_baseline(artifact: Path) -> None:
    with pytest.raises(UsageError, match="virtual-rpi4 is emulated"):
        update([str(artifact)], ["virtual-rpi4"], limits=SHORT)


def test_a_baseline_by_url_is_fetched_once_and_checked(
    artifact: Path, server: tuple[str, Path], own_cache: Path
) -> None:
    url, served = server
    (made,) = update([str(artifact)], url=url + "/", limits=SHORT)
    assert not (made.folder / "model.tflite").exists()
    with pytest.raises(ToolError, match=r"cannot fetch the baseline's http.*model\.tflite"):
        planned(artifact)
    served.mkdir()
    (served / "model.tflite").write_bytes(b"something else")
    with pytest.raises(ToolError, match=r"model\.tflite is not the file that was pinned"):
        planned(artifact)
    assert not list(own_cache.rglob("*.tflite"))
    shutil.copy(artifact / "model.tflite", served)
    (one,) = planned(artifact)
    assert (one.baseline.stored.folder / "model.tflite").read_bytes() == (artifact / "model.tflite").read_bytes()
    shutil.rmtree(served)
    (again,) = planned(artifact)  # from the cache
    assert again.baseline.stored == one.baseline.stored
    (one.baseline.stored.folder / "model.tflite").write_bytes(b"broken")
    with pytest.raises(ToolError, match="cannot fetch"):  # a damaged copy is fetched again
        planned(artifact)


def test_the_seal_covers_everything(pinned: Path) -> None:
    pin = read_pin(pinned)
    for field in Baseline.model_fields.keys() - {"seal", "schema_version", "conditions", "files"}:
        value = getattr(pin, field)
        changed = pin.model_copy(update={field: 1.5 if isinstance(value, float) else "x"})
        assert changed.digest() != pin.seal


def test_a_board_behind_ssh_is_measured_and_its_loss_breaks_off(
    artifact: Path, ssh_board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    add_device("board", "board", python=sys.executable)
    (one,) = planned(artifact, devices=["board"], baseline=TINY)
    with reach(one.device, silent, resumes=False) as transport:
        assert isinstance(transport, SshMachine)

        def step(event: Event) -> None:
            if event.text == "pair 2":
                assert transport.master is not None
                transport.master.kill()  # as if the board had lost its power

        sides = dict.fromkeys(("baseline", "candidate"), Stored(artifact, one.candidate.artifact))
        pairing = Pairing(Session(transport, one.device, limits=SHORT), sides, progress=step)  # type: ignore[arg-type]
        result = run_gate(gate_module.draft_of(one, 1, 1, datetime.now(UTC), {}), pairing, None, False, lambda _: None)
    assert (result.status, result.exit_code) == ("BROKEN_OFF", 3)
    assert "the connection to board was lost" in result.reason
    assert len(result.pairs) == 1
    assert len(result.pairs[0].candidate_ns) >= 20


@pytest.mark.slow
def test_plumbing_on_the_emulated_pi_4(emulated: None, artifact: Path) -> None:
    plans = plan([str(artifact)], ["virtual-rpi4"], baseline=TINY / "tflite-fp32")
    (refused,) = gate(plans, seed=1)
    assert (refused.status, refused.emulated, refused.pairs) == ("NOT_COMPARABLE", True, ())
    (tried,) = gate(plans, seed=1, plumbing=True)
    assert (tried.status, tried.exit_code, len(tried.pairs)) == ("NOT_COMPARABLE", 5, 1)
    assert tried.conditions is not None
    assert "Cortex-A72" in tried.conditions.cpu
