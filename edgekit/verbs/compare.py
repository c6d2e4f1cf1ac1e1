"""The verb ``compare``: two stored measurements, or two artifacts measured now, in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from ..artifacts.find import check_shapes, folders_of
from ..artifacts.store import check_files, read_manifest
from ..base.owned import MANIFEST
from ..base.progress import PartDone, Progress, silent
from ..base.stats import MIN_PAIRS
from ..bench.answers import AnswerError
from ..bench.asked_cores import known_cores
from ..bench.paired import BRIEF, Contender, ratio_of, rounds
from ..bench.session import Session
from ..bench.turn_rounds import ratio_of_turns, turn_rounds
from ..devices.inventory import find_device
from ..devices.quarantine import admit
from ..devices.reach import reach
from ..errors import LISTED, NotComparableError, ToolError, UsageError, did_you_mean, shown
from ..reports.brief.asks import ESTIMATE
from ..reports.compared.compare import Comparison, compare_paired, compare_stored
from ..reports.index import Found
from ..reports.indexed.reader import read_latest
from ..reports.store import Damaged, load
from ..types import Device, Measurement, Stored
from ..types.answers import PerOpAnswer
from ..verify.sets_of_inputs import Shapes

T = TypeVar("T")
PAIRS = 10


def compare(
    a: str,
    b: str,
    device: str | None = None,
    *,
    pairs: int = PAIRS,
    threads: int = 1,
    cores: str | None = None,
    turns: bool = False,
    per_op: bool = False,
    shapes: Shapes | None = None,
    reports: Path = Path("device_reports"),
    artifacts: Path = Path("artifacts"),
    force: bool = False,
    progress: Progress = silent,
) -> Comparison:
    """B against A: measurements when both name one, else artifacts, which are measured now.

    Args:
        a: a measurement's file, its key in the store (``device/key``, or enough of it), or an artifact's folder.
        b: the same.
        device: where artifacts are measured (``local`` when None), or the device whose stored measurements are meant.
        pairs: of fresh processes.
        threads: within an operator, when measuring.
        cores: cores to pin both to: ``big``, ``little`` or numbers by commas; None for any core.
        turns: load both at once, a pair being a round of turns (:mod:`edgekit.bench.turns`); on this machine alone.
        per_op: also time the operators, when measuring.
        shapes: of inputs that a foreign model file leaves open.
        reports: the store.
        artifacts: holds the artifacts that an id such as ``model/profile`` means.
        force: measure even on a quarantined device.
        progress: receives an event as each step begins.

    Raises:
        UsageError: one of them means nothing or several things, a measurement meets an artifact, a shape fits no input,
            or cores of no known kind, or for what is stored.
        NotComparableError: the conditions differ.
        InconclusiveError: too few samples.
        ToolError: the device failed.
    """
    cores = known_cores(cores)
    read = cache(partial(read_latest, reports, progress))  # once for both
    mine, theirs = (
        find_artifact(name, artifacts, shapes) or find_measurement(name, reports, device, read) for name in (a, b)
    )
    if isinstance(mine, Measurement) and isinstance(theirs, Measurement):
        if cores is not None:
            raise UsageError(
                "--cores says where to measure, and two stored measurements are compared as they are",
                "leave it out, or name two artifacts",
            )
        return compare_stored(mine, theirs)
    if isinstance(mine, Stored) and isinstance(theirs, Stored):
        check_shapes(shapes or {}, (mine, theirs))
        admit(find_device(device or "local"), force, progress)
        return measured_now(mine, theirs, device or "local", pairs, threads, cores, turns, per_op, progress)
    kinds = ("measurement" if isinstance(x, Measurement) else "artifact" for x in (mine, theirs))
    raise UsageError(
        f"{a} is a stored {next(kinds)} and {b} is a stored {next(kinds)}: only two of a kind can be compared",
        "give two measurements (files or keys) or two artifact folders",
    )


def find_artifact(name: str, root: Path, shapes: Shapes | None = None) -> Stored | None:
    """The artifact named by a folder, a model file or ``model/profile`` under ``root``; None when the name fits none of
    these.

    Raises:
        UsageError: a folder of several artifacts, or a damaged manifest.
    """
    for path in (Path(name), root / name):
        if (path.is_dir() or path.is_file()) and path.suffix != ".json":
            folders = folders_of(str(path), root, None, shapes)
            if len(folders) > 1:
                found = ", ".join(map(str, folders))
                raise UsageError(f"{path} holds several artifacts: {found}", "name one of them")
            return read_manifest(folders[0])
        if path.name == MANIFEST and path.is_file():
            return read_manifest(path.parent)
    return None


def find_measurement(
    name: str, reports: Path, device: str | None, read: Callable[[], tuple[list[Found], list[Damaged]]]
) -> Measurement:
    """The measurement of a file, or the one stored under a key; ``read`` gives all that are stored.

    Raises:
        UsageError: no such file or key, several of that name, or a damaged file.
    """
    if name.endswith(".json"):
        if not Path(name).is_file() and (reports / name).is_file():
            return load(reports / name)
        return load(Path(name))
    found, damaged = read()
    names = {key_of(one): one for one in found if device in (None, one.measurement.device.id)}
    exact = [key for key in names if name in (key, key.split("/", 1)[1])]
    hits = exact or [key for key in names if name in key]
    if len(hits) == 1:
        return load(names[hits[0]].path)
    for one in damaged:
        if name in f"{one.path.parent.name}/{one.path.stem}":
            raise one.error
    if hits:
        some = ", ".join(hits[:LISTED]) + (", ..." if len(hits) > LISTED else "")
        raise UsageError(f"{shown(name)} means {len(hits)} measurements: {some}", "name one of them")
    where = f" of {device}" if device else ""
    raise UsageError(
        f"{name!r} is not an artifact, a file or the key of a measurement{where} under {reports}",
        did_you_mean(name, names) or "edgekit index lists what is stored",
    )


def key_of(found: Found) -> str:
    """``device/key`` of a stored measurement."""
    return f"{found.measurement.device.id}/{found.measurement.key}"


def place_for_pairs(device: str, pairs: int) -> Device:
    """The device for a comparison of pairs of fresh processes.

    Raises:
        UsageError: too few pairs, or no such device.
        NotComparableError: it is emulated.
    """
    if pairs < MIN_PAIRS:
        raise UsageError(f"--pairs must be at least {MIN_PAIRS}, got {pairs}", "fewer give no interval")
    place = find_device(device)
    if place.transport == "virtual":
        raise NotComparableError(
            f"{device} is emulated: its latency means nothing, and neither would a comparison",
            ESTIMATE,
        )
    return place


def measured_now(
    a: Stored,
    b: Stored,
    device: str,
    pairs: int,
    threads: int,
    cores: str | None,
    turns: bool,
    per_op: bool,
    progress: Progress,
) -> Comparison:
    """Launches of two artifacts in turn, in random order, on one device.

    If the device fails after enough pairs for an interval, those pairs are compared and the failure is reported with
    them.

    Raises:
        UsageError: too few pairs, no such device, or a file that is not the one that was verified.
        NotComparableError: the device is emulated, or its conditions changed on the way.
        ToolError: the device failed before that.
    """
    place = place_for_pairs(device, pairs)
    if turns and place.transport != "local":
        raise UsageError(
            f"--turns needs both artifacts loaded on this machine, and {device} is reached over {place.transport}",
            "leave --turns out: the pairs are then launches in turn, on any device",
        )
    for stored in (a, b):
        check_files(stored)
    contenders = [Contender("A", a), Contender("B", b)]
    with reach(place, progress) as transport:
        session = Session(transport, place, threads=threads, cores=cores, limits=BRIEF)
        if turns:
            by_turns, broken_off = pairs_of(turn_rounds(session, contenders, progress=progress), pairs, progress)
            taken, ratio = [one.launches for one in by_turns], ratio_of_turns(by_turns, base="B", other="A")
        else:
            taken, broken_off = pairs_of(rounds(session, contenders, progress=progress), pairs, progress)
            ratio = ratio_of(taken, base="B", other="A")
        sides = {one.name: [round_[one.name] for round_ in taken] for one in contenders}
        if per_op and broken_off is None:
            for one in contenders:
                sides[one.name][0] = with_operators(session, one, sides[one.name], progress)
    return compare_paired(sides["A"], sides["B"], ratio, broken_off)


def pairs_of(endless: Iterator[T], count: int, progress: Progress = silent) -> tuple[list[T], ToolError | None]:
    """The given number of rounds; or the rounds before the device failed, and the failure.

    Raises:
        ToolError: it failed before there were enough for an interval.
    """
    taken: list[T] = []
    try:
        for one in islice(endless, count):
            taken.append(one)
            progress(PartDone("pair", done=len(taken), total=count))
    except ToolError as error:
        if not taken:
            raise
        broken_off = ToolError(f"broken off after {len(taken)} of {count} pairs: {error}", error.hint)
        if len(taken) < MIN_PAIRS:
            raise broken_off from error
        return taken, broken_off
    return taken, None


def with_operators(
    session: Session, one: Contender, launches: Sequence[Measurement], progress: Progress
) -> Measurement:
    """The first launch with the operator times of another launch, or with the reason why there are none."""
    try:
        taken = session.launch(PerOpAnswer, one.stored, progress)
    except AnswerError:
        raise
    except ToolError as error:
        return launches[0].model_copy(update={"per_op_note": str(error)})
    return launches[0].model_copy(update={"per_op": taken.per_op, "per_op_note": taken.note})
