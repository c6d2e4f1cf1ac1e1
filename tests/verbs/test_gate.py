"""The verb on this machine: real artifacts, runtimes and pins; a stand-in where a device has to misbehave."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.artifacts.accuracy.kept import keep
from edgekit.artifacts.store import read_manifest
from edgekit.base.files import STAGING
from edgekit.base.owned import MARK
from edgekit.base.progress import Event, silent
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Limits, Session
from edgekit.devices.reach import reach
from edgekit.devices.ssh import SshMachine
from edgekit.errors import ToolError, UsageError
from edgekit.gate.baselines import PIN, REPORT, read_pin
from edgekit.gate.engine import run_gate
from edgekit.gate.pairs import Pairing
from edgekit.reports.gate.junit import gate_junit
from edgekit.reports.gate.markdown import gate_markdown
from edgekit.reports.gate.words import meaning, remarks
from edgekit.reports.indexed.reader import read_latest
from edgekit.types import Baseline, Evaluation, GateResult, Scored, Stored
from edgekit.verbs import gate as gate_module
from edgekit.verbs.devices import add_device
from edgekit.verbs.gate import Planned, delegation_notes, gate, plan, update
from edgekit.verify.accuracy import paired_drop

DATA = Path(__file__).parent.parent / "data"
TINY = DATA / "artifacts" / "tiny"
SHORT = Limits(warmup_min_iterations=2, warmup_min_s=0.01, min_iterations=20, min_s=0.02, max_s=0.3)
KEY = "tiny__tflite-fp32__litert-cpu-t1"
CALM = "[default]\nsentinel = 1e9\nload = 1e9\nwaited = 1e9\nuneven = 1e9\n"
"""Guards that a busy test machine does not trip."""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project with a gate.toml, and a user folder of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    Path("gate.toml").write_text(CALM)
    return folder


@pytest.fixture
def artifact(project: Path) -> Path:
    """An artifact to be changed at will."""
    return Path(shutil.copytree(TINY / "tflite-fp32", project / "artifacts" / "tiny" / "tflite-fp32"))


@pytest.fixture(scope="module")
def pinned_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of reports with the artifact pinned as the baseline of this machine."""
    root = tmp_path_factory.mktemp("pinned") / "device_reports"
    update([str(TINY / "tflite-fp32")], reports_root=root, limits=SHORT)
    return root


@pytest.fixture
def pinned(pinned_once: Path, artifact: Path) -> Path:
    """The folder of the pin, in this project, to be changed at will."""
    return Path(shutil.copytree(pinned_once, "device_reports")) / "local" / f"{KEY}.baseline"


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Make ``local`` answer from a script from now on, see ``tests/data/device/stand_in.py``."""

    def become(**script: Any) -> None:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(script))

        class StandIn(ThisMachine):
            def command(self, program: str, argument: str) -> list[str]:
                return [sys.executable, "-S", str(DATA / "device" / "stand_in.py"), str(path), program, argument]

        monkeypatch.setattr("edgekit.devices.reach.ThisMachine", StandIn)

    return become


def planned(artifact: Path, **more: Any) -> list[Planned]:
    return plan([str(artifact)], limits=SHORT, **more)


def run(artifact: Path, **more: Any) -> GateResult:
    (result,) = gate(planned(artifact), seed=1, **more)
    return result


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


# Judging


def test_the_same_artifact_is_not_slower(artifact: Path, pinned: Path, heard: Any) -> None:
    result = run(artifact, progress=heard)
    assert result.status in ("PASS", "INCONCLUSIVE")  # a busy test machine proves little, but never a slowdown
    assert result.pinned_at is not None
    assert result.baseline == str(pinned)
    assert "tiny/tflite-fp32 on local: pair 1" in heard.lines
    (kept,) = Path("gate_results/local").iterdir()
    assert kept.name.endswith(f"__{KEY}.json")
    assert GateResult.model_validate_json(kept.read_text()) == result


def test_a_slow_candidate_fails_its_operators_are_listed_and_the_pin_stays(artifact: Path, pinned: Path) -> None:
    before = {path.name: path.read_bytes() for path in pinned.iterdir()}
    result = run(artifact, handicap={"busy_ns": 3_000_000})
    assert {path.name: path.read_bytes() for path in pinned.iterdir()} == before
    assert (result.status, result.exit_code) == ("FAIL", 1)
    assert result.looks[-1].low > 1.01
    assert result.changes
    assert result.handicap == {"busy_ns": 3_000_000}


def test_what_left_the_delegate_is_said(artifact: Path) -> None:
    (one,) = planned(artifact, baseline=TINY)
    assert delegation_notes(one.baseline.stored, one.candidate) == []

    def audited(**audit: object) -> Stored:
        plain = one.candidate.artifact
        changed = plain.audit.model_copy(update={"delegate": "XNNPACK", "undelegated": {}, **audit})
        return Stored(one.candidate.folder, plain.model_copy(update={"audit": changed}))

    good, worse = audited(delegate_partitions=1), audited(delegate_partitions=4, undelegated={"HARD_SWISH": 3})
    assert delegation_notes(good, good) == []
    (note,) = delegation_notes(good, worse)
    assert note.startswith("XNNPACK when exported: 1 partition(s), nothing left out in the baseline")
    assert note.endswith("4 partition(s), 3 HARD_SWISH left out in the candidate")


def test_a_baseline_can_be_an_artifact_or_a_folder_of_them(artifact: Path) -> None:
    for baseline in (TINY / "tflite-fp32", TINY / "tflite-fp32" / "model.tflite", DATA / "artifacts", TINY):
        (one,) = planned(artifact, baseline=baseline)
        assert one.baseline.pin is None
        assert one.baseline.stored.folder == TINY / "tflite-fp32"


def test_every_candidate_on_every_device_is_a_gate_of_the_run(artifact: Path) -> None:
    shutil.copytree(TINY / "onnx-fp32", artifact.parent / "onnx-fp32")
    found = plan([], ["local", "virtual-rpi4", "local"], baseline=DATA / "artifacts")
    profiles = ["onnx-fp32", "tflite-fp32"]
    assert [one.candidate.artifact.profile for one in found] == [*profiles, *profiles]
    assert [one.device.id for one in found] == ["local", "local", "virtual-rpi4", "virtual-rpi4"]
    assert found[0].seconds(8) < found[0].seconds(25)


# Bad input: each its own outcome and exit code


def test_a_missing_baseline(artifact: Path) -> None:
    with pytest.raises(UsageError, match=f"no baseline of {KEY} for local under device_reports") as caught:
        planned(artifact)
    assert caught.value.exit_code == 2
    assert caught.value.hint.endswith("edgekit gate --update tiny --device local")


@pytest.mark.parametrize("named", [".", "local/" + KEY + ".baseline", "local/" + KEY + ".baseline/baseline.json"])
def test_a_pin_that_stepped_aside_when_its_writer_was_killed_comes_back(
    artifact: Path, pinned: Path, named: str
) -> None:
    before = read_pin(pinned)
    pinned.rename(pinned.with_name(f"{STAGING}{pinned.name}-0123456789ab-old"))
    (one,) = planned(artifact, baseline=Path("device_reports") / named)
    assert one.baseline.pin == before
    assert [path.name for path in pinned.parent.iterdir()] == [pinned.name]


def test_pinning_anew_knows_the_pin_that_stepped_aside(artifact: Path, pinned: Path) -> None:
    before = read_pin(pinned).conditions.baseline_sha256
    pinned.rename(pinned.with_name(f"{STAGING}{pinned.name}-0123456789ab-old"))
    (made,) = update([str(artifact)], limits=SHORT)
    assert made.replaced == before
    assert [path.name for path in pinned.parent.iterdir()] == [pinned.name]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}', '{"schema_version": 9}'])
def test_a_damaged_pin(artifact: Path, pinned: Path, text: str) -> None:
    (pinned / PIN).write_text(text)
    with pytest.raises(UsageError, match=r"baseline\.json is not a baseline") as caught:
        planned(artifact)
    assert "--update" in caught.value.hint


def test_a_pin_that_was_changed_by_hand(artifact: Path, pinned: Path) -> None:
    data = json.loads((pinned / PIN).read_text())
    data["conditions"]["runtime_version"] = "0.0.1"
    (pinned / PIN).write_text(json.dumps(data))
    with pytest.raises(UsageError, match=r"baseline\.json was changed by hand: its seal does not fit"):
        planned(artifact)


@pytest.mark.parametrize("name", [REPORT, "manifest.json", "model.tflite"])
def test_a_pinned_file_that_was_changed_or_lost(artifact: Path, pinned: Path, name: str) -> None:
    data = bytearray((pinned / name).read_bytes())
    data[20] ^= 1
    (pinned / name).write_bytes(data)
    with pytest.raises(UsageError, match=f"{name} is not the file that was pinned") as caught:
        planned(artifact)
    assert caught.value.exit_code == 2
    (pinned / name).unlink()
    with pytest.raises(UsageError, match=f"{name} is missing from the baseline"):
        planned(artifact)


def test_a_damaged_pin_can_be_pinned_anew(artifact: Path, pinned: Path) -> None:
    (pinned / PIN).write_text("{")
    assert update([str(artifact)], limits=SHORT)[0].replaced == "unreadable"
    read_pin(pinned)


def test_a_broken_candidate_is_invalid_not_a_regression(artifact: Path, pinned: Path) -> None:
    (artifact / "model.tflite").write_bytes(b"broken")
    result = run(artifact)
    assert (result.status, result.exit_code) == ("INVALID", 3)
    assert "is not the file that was verified" in result.reason


def test_another_runtime_version(artifact: Path, pinned: Path) -> None:
    pin = read_pin(pinned)
    old = pin.conditions.model_copy(update={"runtime_version": "1.0.0", "system": "Linux-1.0"})
    (pinned / PIN).write_text(pin.model_copy(update={"conditions": old}).sealed().model_dump_json())
    result = run(artifact)
    assert (result.status, result.exit_code) == ("NOT_COMPARABLE", 5)
    assert [difference.key for difference in result.differences] == ["system", "runtime_version"]
    assert 'runtime_version was "1.0.0" and is' in result.reason


def test_another_runtime(artifact: Path) -> None:
    result = gate(planned(artifact, baseline=TINY / "onnx-fp32"), seed=1)[0]
    assert result.status == "NOT_COMPARABLE"
    assert result.reason == "the baseline runs on onnxruntime, the candidate on litert"


def test_a_device_that_goes_in_the_middle(artifact: Path, pinned: Path, device: Callable[..., None]) -> None:
    plans = planned(artifact, baseline=TINY / "tflite-fp32")
    device(bench=[*[{"samples_ns": [1000, 1001] * 10}] * 5, {"die": 0}])
    (result,) = gate(plans, seed=1)
    assert (result.status, result.exit_code) == ("BROKEN_OFF", 3)
    assert "ended with exit code 7" in result.reason
    (kept,) = Path("gate_results/local").iterdir()
    assert len(GateResult.model_validate_json(kept.read_text()).pairs) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"samples_ns": [400_000_000]}, "1 sample,"),
        ({"load_ns": 10**12}, "the clock jumped"),
    ],
)
def test_samples_that_are_none(artifact: Path, device: Callable[..., None], answer: dict[str, Any], words: str) -> None:
    plans = planned(artifact, baseline=TINY / "tflite-fp32")
    device(bench=[answer])
    (result,) = gate(plans, seed=1)
    assert (result.status, result.exit_code) == ("INVALID", 3)
    assert words in result.reason


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "samples_ns: tuple should have at least 1 item"),
        ([5], "1 sample of 5e-09 s together, where 20 were asked for"),
        ([5, float("nan")], "NaN where a number should be"),
        ([5, -5], "samples_ns.1: input should be greater than 0, got -5"),
    ],
)
def test_an_agent_that_answers_nonsense_breaks_off(
    artifact: Path, device: Callable[..., None], samples: list[float], words: str
) -> None:
    plans = planned(artifact, baseline=TINY / "tflite-fp32")
    device(bench=[{"samples_ns": samples}])
    (result,) = gate(plans, seed=1)
    assert (result.status, result.exit_code) == ("BROKEN_OFF", 3)
    assert words in result.reason


def test_a_device_that_cannot_be_reached_breaks_off_and_the_others_go_on(
    artifact: Path, project: Path, device: Callable[..., None]
) -> None:
    (project / "devices.toml").write_text('[away]\ntransport = "ssh"\naddress = "192.0.2.1"\n')
    (project / "ssh_config").write_text("Host *\n  ConnectTimeout 1\n  ProxyCommand false\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEKIT_SSH_CONFIG", str(project / "ssh_config"))
        plans = planned(artifact, devices=["away", "local"], baseline=TINY / "tflite-fp32")
        device(bench=[{"samples_ns": [400_000_000]}])
        away, local = gate(plans, seed=1)
    assert (away.status, away.exit_code) == ("BROKEN_OFF", 3)
    assert "away" in away.reason
    assert local.status == "INVALID"
    assert local.family == 2


def test_a_killed_run_leaves_no_verdict(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> GateResult:
        raise KeyboardInterrupt

    monkeypatch.setattr(gate_module, "run_gate", killed)
    with pytest.raises(KeyboardInterrupt):
        gate(planned(artifact, baseline=TINY / "tflite-fp32"), seed=1)
    (kept,) = Path("gate_results/local").iterdir()
    assert GateResult.model_validate_json(kept.read_text()).status == "BROKEN_OFF"


def test_wrong_arguments(artifact: Path) -> None:
    with pytest.raises(UsageError, match="--threads must be at least 1"):
        plan([str(artifact)], threads=0)
    with pytest.raises(UsageError, match="unknown device 'rpi4'"):
        plan([str(artifact)], ["rpi4"])
    with pytest.raises(UsageError, match=r"delta \(0.01\) must be above tolerance \(0.02\)"):
        planned(artifact, baseline=TINY, tolerance=0.02, delta=0.01)


def test_nothing_is_measured_when_the_results_cannot_be_kept(artifact: Path, read_only: Path) -> None:
    with pytest.raises(ToolError, match="cannot write"):
        gate(planned(artifact, baseline=TINY / "tflite-fp32"), results_root=read_only / "results")


# Baselines that lie elsewhere


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a web server on loopback and the folder it serves."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/v1", folder / "v1"
        running.shutdown()


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


# A pin is untrusted: whoever opens a pull request can write one and seal it


def reseal(folder: Path, **changes: Any) -> None:
    """Write the pin in ``folder`` anew with other values and a seal that fits them, whatever its type would say."""
    pin = json.loads((folder / PIN).read_text()) | changes
    plain = {key: value for key, value in pin.items() if key != "seal"}
    seal = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    (folder / PIN).write_text(json.dumps({**plain, "seal": seal}))


def with_file(folder: Path, **changes: Any) -> list[dict[str, Any]]:
    """The files of a pin, the model's entry changed."""
    files: list[dict[str, Any]] = json.loads((folder / PIN).read_text())["files"]
    return [entry | changes if entry["name"] == "model.tflite" else entry for entry in files]


@pytest.mark.parametrize(
    "name", ["../../../evil", "/etc/hostname", "..", ".", "", ".bashrc", "-x", "a/b", "a\\b", "a\nb"]
)
def test_a_pin_whose_file_leaves_the_folder_is_refused_before_anything_is_fetched(
    artifact: Path, pinned: Path, server: tuple[str, Path], tmp_path: Path, own_cache: Path, name: str
) -> None:
    url, served = server
    served.mkdir()
    (served / "evil").write_bytes(b"evil")
    reseal(pinned, url=url, files=with_file(pinned, name=name))

    def there() -> set[Path]:
        return {*tmp_path.rglob("*"), *own_cache.rglob("*"), *own_cache.parent.iterdir()}

    before = there()
    with pytest.raises(UsageError, match=r"baseline\.json is not a baseline: files\.2\.name: a name is") as caught:
        planned(artifact)
    assert repr(name) in str(caught.value)
    assert there() == before


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc",
        "ftp://example.org/v1",
        "http://example.org/v1",
        "http://127.0.0.1.example.org/v1",
        "http://localhost:secret@example.org/v1",
        "https://user:secret@example.org/v1",
        "https:///v1",
        "//example.org/v1",
        "/etc",
        "https://example.org/a b",
        "https://example.org:port/v1",
    ],
)
def test_a_pin_with_an_address_that_may_not_be_fetched_is_refused(artifact: Path, pinned: Path, url: str) -> None:
    reseal(pinned, url=url)
    for field, work in (
        (r"baseline\.json is not a baseline: url: ", lambda: planned(artifact)),
        ("--url: ", lambda: update([str(artifact)], url=url, limits=SHORT)),
    ):
        with pytest.raises(UsageError, match=field) as caught:
            work()
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("size", [-1, 1 << 31, 10**30])
def test_a_pin_with_an_absurd_size_is_refused(artifact: Path, pinned: Path, size: int) -> None:
    reseal(pinned, files=with_file(pinned, size_bytes=size))
    with pytest.raises(UsageError, match=r"files\.2\.size_bytes"):
        planned(artifact)


def test_no_more_is_fetched_than_the_pin_says(artifact: Path, pinned: Path, server: tuple[str, Path]) -> None:
    url, served = server
    served.mkdir()
    (served / "model.tflite").write_bytes(bytes(10_000_000))
    reseal(pinned, url=url)
    size = (artifact / "model.tflite").stat().st_size
    with pytest.raises(ToolError, match=f"larger than the {size} bytes that it may have"):
        planned(artifact)


def test_a_link_in_a_pin_that_leads_out_is_not_followed(artifact: Path, pinned: Path, tmp_path: Path) -> None:
    model = pinned / "model.tflite"
    shutil.move(model, tmp_path / "elsewhere")
    model.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"files\[\]\.name is 'model\.tflite': .* is a link that leads out of"):
        planned(artifact)


def test_a_link_in_the_place_of_a_pin_is_not_followed(artifact: Path, pinned: Path, tmp_path: Path) -> None:
    shutil.move(pinned, tmp_path / "elsewhere")
    pinned.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a link that leads out of device_reports"):
        planned(artifact)


def test_a_pin_does_not_replace_a_folder_of_somebody_else(artifact: Path) -> None:
    theirs = Path("device_reports") / "local" / f"{KEY}.baseline"
    theirs.mkdir(parents=True)
    (theirs / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match=r"did not make, so it is not replaced; it holds 'thesis\.txt'"):
        update([str(artifact)], limits=SHORT)
    assert (theirs / "thesis.txt").read_text() == "years of work"


# Accuracy


@pytest.mark.parametrize(
    ("lost", "status", "said"),
    [
        (None, "INCONCLUSIVE", "what the candidate loses was not evaluated"),
        (200, "FAIL", "accuracy: beyond 1 points is proven"),
        (40, "INCONCLUSIVE", "neither within nor beyond 1 points is proven"),
    ],
)
def test_a_candidate_that_may_lose_too_much_is_not_measured(
    pinned: Path, artifact: Path, lost: int | None, status: str, said: str
) -> None:
    evaluated(artifact, lost)
    Path("gate.toml").write_text(CALM + "max_drop = 1.0\n")
    result = run(artifact)
    assert (result.status, result.decided_by, result.pairs) == (status, "accuracy", ())
    assert said in result.reason
    assert GateResult.model_validate_json(next(Path("gate_results").rglob("*.json")).read_text()) == result
    (todo,) = [line for line in remarks(result) if line.startswith("next: ")]
    assert "operators" not in todo
    assert meaning(result) != "slower"


def test_a_candidate_that_keeps_the_limit_is_measured_and_that_is_noted(pinned: Path, artifact: Path) -> None:
    evaluated(artifact, 0)
    Path("gate.toml").write_text(CALM + "max_drop = 1.0\n")
    result = run(artifact)
    assert result.decided_by == "latency"
    assert result.pairs
    assert result.notes[0].startswith("accuracy: within 1 points is proven")


# The file


def test_a_file_that_breaks_a_limit_fails_unmeasured(pinned: Path, artifact: Path) -> None:
    Path("gate.toml").write_text(CALM + "max_size_mb = 0.0001\n")
    result = run(artifact)
    assert (result.status, result.decided_by, result.pairs) == ("FAIL", "file", ())
    assert "MB, and max_size_mb is 0.0001" in result.reason
    assert meaning(result) == "the file breaks a limit"
    assert any("raise the limit in gate.toml" in line for line in remarks(result))


# Memory and cold start


def test_too_much_memory_fails_before_any_pair(pinned: Path, artifact: Path) -> None:
    Path("gate.toml").write_text(CALM + "max_memory_mb = 1\n")
    result = run(artifact)
    assert (result.status, result.decided_by, result.pairs) == ("FAIL", "memory", ())
    assert "MB at its peak, and max_memory_mb is 1" in result.reason
    assert meaning(result) == "takes too much memory"
    assert any("raise the limit in gate.toml" in line for line in remarks(result))
    assert "FAIL" in gate_markdown([result])
    assert "max_memory_mb is 1" in gate_junit([result])


def test_a_slow_cold_start_fails_a_candidate_that_is_not_slower(pinned: Path, artifact: Path) -> None:
    Path("gate.toml").write_text(CALM + "tolerance = 0.9\ndelta = 0.95\nmax_cold_start_ms = 0.01\n")
    result = run(artifact)
    assert (result.status, result.decided_by) == ("FAIL", "cold start"), result.reason
    assert len(result.kept) >= 8
    assert all(pair.candidate_cold_ns for pair in result.kept)
    assert result.notes[-1].startswith("the latency: proven to be slower by less than 95.0%")
    assert meaning(result) == "starts too slowly"


def test_limits_that_are_kept_are_noted(pinned: Path, artifact: Path) -> None:
    limits = "max_memory_growth = 0.5\nmax_memory_mb = 99999\nmax_cold_start_ms = 60000\n"
    Path("gate.toml").write_text(CALM + "tolerance = 0.9\ndelta = 0.95\n" + limits)
    result = run(artifact)
    assert (result.status, result.decided_by) == ("PASS", "latency"), result.reason
    assert "the peak memory went from" in result.notes[0]
    assert "a cold start takes" in result.notes[1]


def evaluated(artifact: Path, lost: int | None) -> None:
    """Keep an evaluation in which the float network alone is right on ``lost`` of 4000 images; None for none."""
    if lost is None:
        return
    scored = Scored(kind="network", model="tiny", name="trained.pth", sha256="a" * 64)
    drop = paired_drop(np.arange(4000) >= lost, np.ones(4000, bool))
    found = Evaluation(subject=scored, reference=scored, data="photos", images=4000, classes=5, drop=drop)
    keep(read_manifest(artifact), found)
