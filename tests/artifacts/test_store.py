"""What a folder says of itself is believed only as far as it stays in that folder."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from edgekit.artifacts.find import find_artifacts
from edgekit.artifacts.store import artifact_folder, card_of, read_manifest
from edgekit.base.owned import MANIFEST
from edgekit.bench.session import model_files
from edgekit.catalog import MODELS, builtin_folder, find_card
from edgekit.errors import UsageError
from edgekit.types import FileEntry, Stored, TensorSpec

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "tflite-fp32"


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    """An artifact to be changed at will, ``artifacts/tiny/tflite-fp32``."""
    return Path(shutil.copytree(TINY, tmp_path / "artifacts" / "tiny" / "tflite-fp32"))


@pytest.mark.parametrize("name", ["../../../secret", "/etc/hostname", ".", "", "-o", "model.tflite\n"])
def test_a_file_that_is_listed_by_a_path_is_refused(artifact: Path, name: str) -> None:
    manifest = json.loads((artifact / MANIFEST).read_text())
    manifest["files"][0]["name"] = name
    (artifact / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=r"files\.0\.name: a name is") as caught:
        find_artifacts([str(artifact)], artifact.parent.parent)
    assert repr(name) in str(caught.value)


def test_no_files_make_no_artifact(artifact: Path) -> None:
    manifest = json.loads((artifact / MANIFEST).read_text())
    (artifact / MANIFEST).write_text(json.dumps({**manifest, "files": []}))
    with pytest.raises(UsageError, match="files: Tuple should have at least 1 item"):
        read_manifest(artifact)


ABSURD = {
    "inputs: Tuple should have at least 1 item": {"inputs": []},
    "outputs: Tuple should have at least 1 item": {"outputs": []},
    "inputs.0.shape.0: Input should be greater than or equal to -1": {"inputs": [{"shape": [-5, 8, 8, 3]}]},
    "inputs.0.shape.1: Input should be less than or equal to": {"inputs": [{"shape": [1, 10**12, 8, 3]}]},
    "files.0.size_bytes: Input should be less than or equal to": {"files": [{"size_bytes": 1 << 40}]},
    "convert_seconds: Input should be a finite number": {"convert_seconds": float("inf")},
    "params: Input should be less than or equal to": {"params": 10**30},
    "macs: Input should be greater than or equal to 0": {"macs": -1},
}
"""Messages by what is written over a manifest; of a list, over its first."""


@pytest.mark.parametrize("text", list(ABSURD))
def test_absurd_figures_are_refused(artifact: Path, text: str) -> None:
    manifest = json.loads((artifact / MANIFEST).read_text())
    for field, value in ABSURD[text].items():
        manifest[field] = [{**manifest[field][0], **value[0]}] if isinstance(value, list) and value else value
    (artifact / MANIFEST).write_text(json.dumps(manifest).replace("Infinity", "1e999"))
    with pytest.raises(UsageError, match=re.escape(text)):
        read_manifest(artifact)


def test_a_network_whose_input_is_one_number() -> None:
    assert TensorSpec(name="gain", shape=(), layout="unknown", dtype="float32").batch == 1


def test_a_manifest_gives_no_command_but_ours_for_advice(artifact: Path) -> None:
    manifest = json.loads((artifact / MANIFEST).read_text())
    for command, advice in (("curl example.org | sh", "for example edgekit export"), ("edgekit export x", "export x")):
        (artifact / MANIFEST).write_text(json.dumps({**manifest, "command": command, "files": []}))
        with pytest.raises(UsageError) as caught:
            read_manifest(artifact)
        assert "curl" not in caught.value.hint
        assert advice in caught.value.hint


@pytest.mark.parametrize("name", ["model.tflite", MANIFEST])
def test_a_file_that_is_a_link_elsewhere_is_refused(artifact: Path, tmp_path: Path, name: str) -> None:
    shutil.move(artifact / name, tmp_path / "secret")
    (artifact / name).symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match=f"is '{name}': .* is a link that leads out of"):
        read_manifest(artifact)


def test_a_link_to_an_endless_file_is_not_read(artifact: Path) -> None:
    (artifact / MANIFEST).unlink()
    (artifact / MANIFEST).symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="is a link that leads out of"):
        read_manifest(artifact)


def test_what_a_runtime_opens_lies_in_the_folder(artifact: Path) -> None:
    stored = read_manifest(artifact)
    unchecked = FileEntry.model_construct(name="../../../secret", size_bytes=1, sha256="")
    evil = stored.artifact.model_copy(update={"files": (unchecked,)})
    with pytest.raises(UsageError, match=r"files\[\]\.name is '\.\./\.\./\.\./secret'"):
        model_files(Stored(artifact, evil))


def test_the_folder_of_an_artifact_lies_in_its_root(artifact: Path, tmp_path: Path) -> None:
    root = tmp_path / "artifacts"
    assert artifact_folder(root, "tiny", "tflite-fp32") == artifact
    (root / "link").symlink_to(tmp_path)
    for model in ("..", "link", ""):
        with pytest.raises(UsageError):
            artifact_folder(root, model, "tflite-fp32")


CARD = (builtin_folder(MODELS) / "squeezenet_1.1.toml").read_text()


@pytest.fixture
def own_card(tmp_path: Path) -> Path:
    """A card that no folder of the catalog holds, of the model ``tiny``, with no more than is needed."""
    left_out = ("id", "aliases", "paper", "licence", "params", "macs")
    lines = [line for line in CARD.splitlines() if not line.startswith(tuple(f"{key} = " for key in left_out))]
    path = tmp_path / "cards" / "mine.toml"
    path.parent.mkdir()
    path.write_text("\n".join(['id = "tiny"', *lines]))
    return path


def test_a_card_that_was_given_by_its_path_is_known_by_its_artifacts(
    artifact: Path, own_card: Path, tmp_path: Path
) -> None:
    root = artifact.parent.parent
    for name in ("tiny", str(own_card), str(artifact)):
        assert [stored.folder for stored in find_artifacts([name], root)] == [artifact]
    asked: list[str] = []
    with pytest.raises(UsageError, match="left no artifact"):
        find_artifacts([str(own_card)], tmp_path / "none", export_missing=lambda name: asked.append(name) or [])
    assert asked == [str(own_card)]
    with pytest.raises(UsageError, match="no artifacts of tiny") as caught:
        find_artifacts([str(own_card)], tmp_path / "none")
    assert caught.value.hint == f"edgekit export {own_card} --format all"


def test_an_artifact_brings_its_card(artifact: Path, own_card: Path) -> None:
    stored = read_manifest(artifact)
    with pytest.raises(UsageError, match="tiny is not a card of the catalog, and its artifact brings none"):
        card_of(stored.artifact)
    card = find_card(str(own_card))
    manifest = json.loads((artifact / MANIFEST).read_text()) | {"card": card.to_plain()}
    (artifact / MANIFEST).write_text(json.dumps(manifest))
    assert card_of(read_manifest(artifact).artifact) == card
    named = stored.artifact.model_copy(update={"model": "squeezenet_1.1"})
    assert card_of(named).paper
