"""A pin is untrusted: whoever opens a pull request can write one and seal it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import ToolError, UsageError
from edgekit.gate.baselines import PIN
from edgekit.verbs.gate import update
from tests.verbs.gate.conftest import KEY, SHORT, planned

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
