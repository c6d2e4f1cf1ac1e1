"""The commands whose faults are tried, each with what stands there before, and how old and new are told apart."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgekit.artifacts.store import check_files, read_manifest
from edgekit.base.files import PART, STAGED
from edgekit.base.scratch import SCRATCH
from edgekit.errors import EdgekitError
from edgekit.gate.baselines import read_pin
from edgekit.reports.store import load

from .board import devices_toml

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = ROOT / "tests" / "data" / "artifacts" / "tiny"
CARD = ROOT / "tests" / "data" / "cards" / "tiny_condensenet.toml"
FOLDERS = ("work", "cache", "tmp", "home")


@dataclass(frozen=True)
class Scene:
    """A command and what it may leave.

    Attributes:
        before: commands that make what stands there before.
        whole: raises when what stands at the command's place is neither old nor new.
        files: names and texts of what the project has besides.
    """

    name: str
    command: tuple[str, ...]
    before: tuple[tuple[str, ...], ...]
    whole: Callable[[Path], None]
    files: tuple[tuple[str, str], ...] = ()

    @property
    def remote(self) -> bool:
        """Whether it runs on a board."""
        return "--device" in self.command


def artifacts_whole(work: Path) -> None:
    """Every artifact is as its manifest says; a file of a model lies beside a manifest.

    Raises:
        EdgekitError, AssertionError: one is not.
    """
    folders = [path.parent for path in (work / "artifacts").glob("*/*/manifest.json") if not hidden(path, work)]
    assert folders, "no artifact is left"
    for folder in folders:
        check_files(read_manifest(folder))


def reports_whole(work: Path) -> None:
    """Every measurement can be read, and there is one.

    Raises:
        EdgekitError, AssertionError: one cannot, or is lost.
    """
    latest = list((work / "device_reports").glob("*/*.json"))
    assert latest, "no measurement is left"
    for path in [*latest, *(work / "device_reports").glob("*/history/*/*.json")]:
        load(path)


def pins_whole(work: Path) -> None:
    """The baseline is there and as its seal says.

    Raises:
        EdgekitError, AssertionError: it is not.
    """
    pins = [path for path in (work / "device_reports").glob("*/*.baseline") if not hidden(path, work)]
    assert pins, "no baseline is left"
    for pin in pins:
        read_pin(pin)


def pages_whole(work: Path) -> None:
    """The three pages of the report are there to their ends.

    Raises:
        AssertionError: one is cut or lost.
    """
    folder = work / "device_reports"
    assert (folder / "report.html").read_text().rstrip().endswith("</html>"), "report.html is cut"
    assert (folder / "report.md").read_text().startswith("#"), "report.md is cut"
    assert (folder / "report.csv").read_text().count("\n") >= 2, "report.csv is cut"


def hidden(path: Path, root: Path) -> bool:
    """Whether a path below ``root`` is one that only a running edgekit should have there."""
    return any(STAGED.fullmatch(part) for part in path.relative_to(root).parts)


PROFILE = ("profile", str(TINY / "tflite-int8"))
REMOTE = (*PROFILE, "--device", "board")
UPDATE = ("gate", "--update", "artifacts/tiny/tflite-int8")
EXPORT = ("export", CARD.name, "--format", "onnx")
SCENES = (
    Scene("report", ("report",), (PROFILE, ("report",)), pages_whole),
    Scene("profile", PROFILE, (PROFILE,), reports_whole),
    Scene("gate --update", UPDATE, (UPDATE,), pins_whole),
    Scene("profile over ssh", REMOTE, (REMOTE,), reports_whole, (("devices.toml", devices_toml()),)),
    Scene("export", EXPORT, ((*EXPORT, "--no-cache"),), artifacts_whole),
)


def furnish(place: Path, scene: Scene) -> None:
    """What a scene begins with: a card, the repository's tiny artifacts, and its own files."""
    for name in FOLDERS:
        (place / name).mkdir(parents=True)
    shutil.copy(CARD, place / "work")
    shutil.copytree(TINY, place / "work" / "artifacts" / "tiny")
    for name, text in scene.files:
        (place / "work" / name).write_text(text)


def leftovers(place: Path) -> list[str]:
    """What a killed run left and the next one should have removed."""
    found = []
    for path in place.rglob("*"):
        name = path.name
        if STAGED.fullmatch(name) or SCRATCH.fullmatch(name) or PART.fullmatch(name):
            found.append(str(path.relative_to(place)))
    return sorted(found)


def problem(scene: Scene, place: Path) -> str | None:
    """Why what stands there is neither old nor new, or None."""
    try:
        scene.whole(place / "work")
    except (EdgekitError, AssertionError, OSError) as error:
        return f"neither old nor new: {error}"
    return None
