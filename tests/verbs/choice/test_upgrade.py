"""The gate of a runtime's upgrade."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.accuracy.scores import score as scored
from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.bench.launch import ask_agent
from edgekit.bench.session import Limits
from edgekit.devices.environments import Wanted
from edgekit.devices.far_environments import python_there
from edgekit.devices.inventory import find_device
from edgekit.devices.reach import reach
from edgekit.errors import ToolError, UsageError
from edgekit.gate import upgrade as pairs
from edgekit.gate import upgrade_accuracy as accuracy
from edgekit.types.answers import InfoAnswer
from edgekit.verbs.choice import upgrade as module
from edgekit.verbs.choice.upgrade import gate_upgrade
from edgekit.verify.evaluation_data import Images

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


@pytest.fixture
def sees_images(tiny, tmp_path) -> Path:
    """The tiny artifact, whose manifest says how images become its input."""
    folder = Path(shutil.copytree(tiny / "onnx-fp32", tmp_path / "sees" / "onnx-fp32"))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["inputs"][0]["preprocessing"] = {"resize": 8, "crop": 8, "mean": [0.5] * 3, "std": [0.25] * 3}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def upgrade(monkeypatch, sees_images, tmp_path):
    """Gates the artifact that sees images; what its candidate answers goes through ``changed``, the config is given."""
    monkeypatch.setattr(module, "python_with", lambda *_: Path(sys.executable))

    def run(labels, changed=lambda scores: scores, config="", count=200, **options):
        pixels = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
        images = Images("set", array=pixels)
        right = scored(read_manifest(sees_images), images, silent, 60.0).scores.argmax(1)
        np.savez(tmp_path / "set.npz", images=pixels, labels=labels(right))
        real = accuracy.answers_of

        def spoilt(pairing, role, given):
            found = real(pairing, role, given)
            return replace(found, scores=changed(found.scores)) if role == "candidate" else found

        monkeypatch.setattr(accuracy, "answers_of", spoilt)
        (tmp_path / "gate.toml").write_text(f"[default]\n{config}\n")
        (result,) = gate_upgrade(
            [str(sees_images)], OLD, NEW, data=str(tmp_path / "set.npz"), config=tmp_path / "gate.toml",
            limits=SHORT, results_root=tmp_path / "results", seed=1, **options
        )  # fmt: skip
        return result

    return run


def test_the_same_answers_lose_no_accuracy_however_few_images_there_are(upgrade):
    result = upgrade(lambda right: right, config="max_drop = 0", count=20)
    assert result.decided_by == "latency"
    assert result.notes[0] == "the outputs are identical"
    assert result.notes[1].startswith("accuracy: top-1 100.00 % and 100.00 % on 20 images of ")
    assert result.notes[1].endswith("; every score is the same")


def test_accuracy_that_is_lost_fails_before_anything_is_timed(upgrade):
    """As a new version did that read weights wrongly: the outputs of random inputs may still look alike."""
    result = upgrade(lambda right: right, lambda scores: np.roll(scores, 1, axis=1))
    assert (result.status, result.decided_by, result.pairs) == ("FAIL", "accuracy", ())
    assert "top-1 100.00 % and 0.00 % on 200 images" in result.reason
    assert "a loss is proven" in result.reason


def test_a_limit_decides_by_the_interval_of_the_loss(upgrade):
    def one_wrong(scores):
        scores = scores.copy()
        scores[0] = np.roll(scores[0], 1)
        return scores

    result = upgrade(lambda right: right, one_wrong, "max_drop = 0.1")
    assert (result.status, result.decided_by, result.pairs) == ("INCONCLUSIVE", "accuracy", ())
    assert "neither within nor beyond 0.1 points is proven" in result.reason
    assert upgrade(lambda right: right, one_wrong, "max_drop = 20").decided_by == "latency"


def test_a_limit_of_accuracy_without_images_is_no_pass(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("gate.toml").write_text("[default]\nmax_drop = 1\n")
    (result,) = here()
    assert (result.status, result.decided_by, result.pairs) == ("INCONCLUSIVE", "accuracy", ())
    assert "add --data DATA" in result.reason


def test_what_cannot_answer_images_is_refused_before_an_environment_is_made(tiny, sees_images, tmp_path):
    np.savez(tmp_path / "set.npz", images=np.zeros((2, 8, 8, 3), np.uint8), labels=[0, 1])
    given = {"data": str(tmp_path / "set.npz"), "results_root": tmp_path / "results"}
    with pytest.raises(UsageError, match="does not say how images become its input"):
        gate_upgrade([str(tiny / "onnx-fp32")], OLD, NEW, **given)
    manifest = json.loads((sees_images / "manifest.json").read_text())
    manifest["outputs"].append({**manifest["outputs"][0], "name": "boxes"})
    (sees_images / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=r"boxes \[1, 5\], and class scores are"):
        gate_upgrade([str(sees_images)], OLD, NEW, **given)


def test_images_without_labels_are_refused_before_an_environment_is_made(sees_images, tmp_path):
    np.savez(tmp_path / "bare.npz", images=np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(UsageError, match="has no labels"):
        gate_upgrade([str(sees_images)], OLD, NEW, data=str(tmp_path / "bare.npz"), results_root=tmp_path / "results")


def test_two_runtimes_are_refused(tmp_path):
    with pytest.raises(UsageError, match="are two runtimes"):
        gate_upgrade([], OLD, Wanted("openvino", "2025.0"), results_root=tmp_path)


def test_a_device_behind_ssh_runs_both_versions_over_one_connection(ssh_board, tiny, tmp_path, monkeypatch, heard):
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    asked = []

    def there(machine, version, _progress):
        """Both environments are this one; what is asked for and of which device is what shows here."""
        asked.append((machine.name, str(version)))
        return sys.executable

    monkeypatch.setattr(module, "python_there", there)
    config = tmp_path / "gate.toml"
    config.write_text("[default]\ntolerance = 0.5\nsentinel = 1e9\nload = 1e9\nwaited = 1e9\nuneven = 1e9\n")
    names, results = [str(tiny / "onnx-fp32")], tmp_path / "results"
    options = {"limits": SHORT, "results_root": results, "seed": 1, "progress": heard}
    (result,) = gate_upgrade(names, OLD, NEW, "board", config=config, **options)
    assert asked == [("board", "onnxruntime==1.0"), ("board", "onnxruntime==2.0")]
    assert result.status in ("PASS", "INCONCLUSIVE"), result.reason  # disturbed on a busy machine
    assert result.device.id == "board"
    assert result.notes[0] == "the outputs are identical"
    assert len(result.pairs) >= 5
    assert ssh_board.runs == []
    assert (results / "board").is_dir()


@pytest.mark.network
def test_an_environment_is_made_on_a_device_from_wheels_fetched_here(ssh_board, tmp_path, monkeypatch, heard):
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    with reach(find_device("board"), silent) as machine:
        python = python_there(machine, Wanted("ai-edge-litert", "2.3.0"), heard, str(tmp_path / "there"))
        told = ask_agent(InfoAnswer, machine.running(python), {}, {}, 60.0, "asking")
        assert python.startswith(str(tmp_path / "there"))
        assert told.versions["ai-edge-litert"] == "2.3.0"
        with pytest.raises(ToolError, match=r"no onnxruntime==0\.0\.1 for Python 3"):
            python_there(machine, Wanted("onnxruntime", "0.0.1"), heard)
    assert any("installing ai-edge-litert==2.3.0 on board" in line for line in heard.lines)


def test_a_simulated_board_holds_no_environments(tmp_path):
    with pytest.raises(UsageError, match="sim-rpi4 is reached by simulated"):
        gate_upgrade([], OLD, NEW, "sim-rpi4", results_root=tmp_path)


def test_an_upgrade_that_takes_more_memory_than_allowed_fails(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("gate.toml").write_text("[default]\nmax_memory_mb = 1\n")
    (result,) = here()
    assert (result.status, result.decided_by, result.pairs) == ("FAIL", "memory", ())
