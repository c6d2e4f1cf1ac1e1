"""The cache of verified artifacts: what makes a key, and what becomes of damage."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.artifacts import cache
from edgekit.artifacts.cache import canonical, entry_folder, ingredients, keep, measure, take
from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.snippet.write import FOLDER, SNIPPET_FILE
from edgekit.artifacts.store import read_manifest
from edgekit.base.files import sha256_file
from edgekit.base.owned import MARK
from edgekit.base.progress import Warned
from edgekit.catalog import find_card, profile_for
from edgekit.errors import UsageError
from edgekit.types import ExportProfile, Frozen, ModelCard, Stored

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "tflite-fp32"


class Made(Frozen):
    """Stands for the ingredients: the cache asks only for a value."""

    anything: tuple[int | str | None, ...]


MADE_OF = Made(anything=(1, None, "é"))


@pytest.fixture
def folder(tmp_path, heard) -> Path:
    """A cache that holds one artifact."""
    stored = read_manifest(TINY)
    keep(tmp_path / "cache", MADE_OF, Stored(TINY, stored.artifact), heard)
    assert heard.events == []
    return tmp_path / "cache"


def entry_of(folder: Path) -> Path:
    (seal,) = folder.rglob("seal")
    return seal.parent


def test_what_was_kept_comes_back_whole(folder, tmp_path):
    final = tmp_path / "out" / "tiny"
    stored = take(folder, MADE_OF, final, pytest.fail)
    assert stored is not None
    assert stored.folder == final
    listed = {entry.name for entry in stored.artifact.files}
    assert {p.name: sha256_file(p) for p in final.iterdir() if p.name not in (MARK, SNIPPET_FILE, FOLDER)} == {
        p.name: sha256_file(p) for p in TINY.iterdir() if p.name in {*listed, "manifest.json"}
    }
    assert take(folder, Made(anything=("else",)), final, pytest.fail) is None
    entries, size = measure(folder)
    assert entries == 1
    assert size > stored.artifact.size_bytes


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [flip, shorten, Path.unlink], ids=["flipped", "shortened", "missing"])
@pytest.mark.parametrize("name", ["model.tflite", "manifest.json", "seal", "ingredients.json"])
def test_damage_is_found_said_and_removed(folder, tmp_path, name, damage, heard):
    entry = entry_of(folder)
    damage(entry / name)
    assert take(folder, MADE_OF, tmp_path / "out" / "tiny", heard) is None
    (event,) = heard.events
    assert isinstance(event, Warned)
    assert event.text.startswith(f"cache entry {entry} is damaged and is made again: ")
    assert not entry.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("shard", [False, True], ids=["entry", "folder above"])
@pytest.mark.parametrize("broken_link", [False, True], ids=["file", "broken link"])
def test_what_is_no_folder_is_replaced(folder, tmp_path, shard, broken_link, heard):
    entry = entry_of(folder)
    shutil.rmtree(entry.parent)
    if not shard:
        entry.parent.mkdir()
    place = entry.parent if shard else entry
    if broken_link:
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.write_text("a file")
    assert take(folder, MADE_OF, tmp_path / "out" / "tiny", heard) is None
    assert heard.events == [Warned(f"cache entry {entry} is damaged and is made again: it is not a folder")]
    keep(folder, MADE_OF, read_manifest(TINY), pytest.fail)
    assert take(folder, MADE_OF, tmp_path / "out" / "tiny", pytest.fail) is not None


def test_whoever_takes_from_the_cache_clears_away_what_a_killed_run_left_there(folder, tmp_path):
    entry = entry_folder(folder, MADE_OF)
    leave = (
        "import os, sys; from pathlib import Path; from edgekit.base.files import staged_folder\n"
        "with staged_folder(Path(sys.argv[1])): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", leave, entry], check=False)
    assert len(list(entry.parent.iterdir())) == 3  # the entry; what was begun, and its lock
    assert take(folder, MADE_OF, tmp_path / "out" / "tiny", pytest.fail) is not None
    assert list(entry.parent.iterdir()) == [entry]


def test_cache_that_cannot_be_written_costs_nothing_else(tmp_path, heard):
    (tmp_path / "cache").write_text("a file")
    keep(tmp_path / "cache", MADE_OF, read_manifest(TINY), heard)
    (event,) = heard.events
    assert isinstance(event, Warned)
    assert event.text.startswith("not cached: ")
    assert (tmp_path / "cache").read_text() == "a file"


# Keys


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"a")
    return folder


@pytest.fixture
def key(tmp_path, photos) -> Callable[..., bytes]:
    """The ingredients of an export, with something changed."""
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"weights")
    card, profile = find_card("squeezenet"), profile_for("onnx", "int8")
    options = ExportOptions(weights=str(weights), calibration=str(photos))

    def make(card: ModelCard = card, profile: ExportProfile = profile, **changes: object) -> bytes:
        asked = replace(options, **changes)
        return canonical(ingredients(card, Path(asked.weights) if asked.weights != "random" else None, profile, asked))

    return make


def test_same_ingredients_same_key(key, tmp_path):
    assert key() == key(out=tmp_path / "elsewhere", timeout_s=1.0, cache=tmp_path)
    assert json.loads(key())["target"] in ("x86-avx2", "x86-vnni", "armv8.0", "armv8.2-dot")


def test_every_ingredient_counts(key, tmp_path, photos, monkeypatch):
    card, profile = find_card("squeezenet"), profile_for("onnx", "int8")
    seen = {
        key(),
        key(card=card.model_copy(update={"num_classes": 10})),
        key(card=find_card("squeezenet_1.0")),
        key(profile=profile.model_copy(update={"rewrites": ()})),
        key(profile=profile.model_copy(update={"target": "armv8.0"})),
        key(profile=profile.model_copy(update={"parity": profile.parity.model_copy(update={"min_sqnr_db": 1.0})})),
        key(profile=profile_for("onnx", "fp32")),
        key(num_classes=7),
        key(weights="random"),
        key(calibration=None),
        key(calibration="synthetic"),
        key(parity_data="synthetic"),
        key(sources={"x": "x.toml"}),
    }
    assert len(seen) == 13
    (tmp_path / "weights.pth").write_bytes(b"other weights")
    seen.add(key())
    (photos / "b.png").write_bytes(b"b")
    seen.add(key())
    monkeypatch.setattr(cache, "installed", "{}: 1".format)
    seen.add(key())
    monkeypatch.setattr(cache, "code_digest", lambda: "other code")
    seen.add(key())
    (tmp_path / "config.json").write_text('{"tf_padding": false}')  # transformers' word on its weights
    seen.add(key())
    assert len(seen) == 18


def test_missing_images_are_named(key):
    with pytest.raises(UsageError, match=r"no file at none\.npz"):
        key(calibration="none.npz")


def test_code_that_is_counted_exists():
    root = Path(cache.__file__).parent.parent
    assert all((root / part).exists() for part in cache.CODE)
    assert len(cache.code_digest()) == 64
