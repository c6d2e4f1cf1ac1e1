"""Every operation of a command fails once in turn: afterwards old or new stands there, and the next run works."""

from __future__ import annotations

import errno
import signal
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .attempt import Ended, attempt, fresh
from .scenes import Scene, furnish, leftovers, problem
from .shim import Class, Fault, Shim

CODES = (errno.ENOSPC, errno.EIO, errno.EACCES)
ALLOWED = (0, 3)
"""Done all the same, or a failure of a tool or device: never 1, which CI reads as a regression."""
UNFORESEEN = ("Traceback (most recent call last)", "fault of edgekit")
Kind = Literal["once", "for good", "killed", "stopped"]
SIGNALS: dict[Kind, int] = {"killed": signal.SIGKILL, "stopped": signal.SIGTERM}


@dataclass(frozen=True)
class Outcome:
    """One fault and what came of it.

    Attributes:
        scene: the command.
        fault: what went wrong, in words.
        code: exit code.
        broken: promises that were not kept, in words.
        at: the operation that it happened to, counted from 1; 0 where it is no operation's.
    """

    scene: str
    fault: str
    code: int | None
    broken: tuple[str, ...]
    at: int = 0


@dataclass(frozen=True)
class Stage:
    """Where the faults of one scene happen.

    Attributes:
        template: what each begins with.
        place: where the command runs.
        classes: of the command's operations.
    """

    scene: Scene
    shim: Shim
    template: Path
    place: Path
    classes: tuple[Class, ...]


def prepare(scene: Scene, folder: Path, shim: Shim) -> Stage:
    """What each fault of a scene begins with, and the operations of its command.

    Raises:
        AssertionError: the command fails without a fault.
    """
    template, place = folder / "template", folder / "place"
    furnish(template, scene)
    fresh(template, place)
    for command in scene.before:
        ended = attempt(command, place, shim, Fault())
        assert ended.code == 0, f"{command} ended with {ended.code}:\n{ended.text}"
    fresh(place, template)
    ended = attempt(scene.command, place, shim, Fault())
    assert ended.code == 0, f"{scene.command} ended with {ended.code}:\n{ended.text}"
    return Stage(scene, shim, template, place, ended.seen.classes)


def faults(stage: Stage, kind: Kind) -> Iterator[Fault]:
    """A fault of a kind at every operation; the codes of what fails take turns."""
    for at in range(1, len(stage.classes) + 1):
        if kind in SIGNALS:
            yield Fault(at, kill=SIGNALS[kind])
        else:
            yield Fault(at, for_good=kind == "for good", code=CODES[at % len(CODES)])


def suffer(stage: Stage, fault: Fault) -> Outcome | None:
    """Run the command with one fault, then once more without it; None when the fault did not land."""
    fresh(stage.template, stage.place)
    ended = attempt(stage.scene.command, stage.place, stage.shim, fault)
    if not ended.seen.fired:
        return None
    allowed = (*ALLOWED, -fault.kill, 128 + fault.kill) if fault.kill else ALLOWED
    broken = [*at_once(stage, ended, allowed), *afterwards(stage)]
    name = errno.errorcode[fault.code] if fault.code else signal.Signals(fault.kill).name
    return Outcome(stage.scene.name, f"{name}: {ended.seen.text}", ended.code, tuple(broken), fault.at)


def at_once(stage: Stage, ended: Ended, allowed: Container[int]) -> Iterator[str]:
    """Promises that a run with a fault has not kept."""
    if ended.code is None:
        yield "it did not end"
    elif ended.code not in allowed:
        yield f"exit code {ended.code}: {ended.text[-400:]}"
    yield from (f"it says {word!r}: {ended.text[-1500:]}" for word in UNFORESEEN if word in ended.text)
    yield from (f"it left {orphan}" for orphan in ended.orphans)
    if wrong := problem(stage.scene, stage.place):
        yield wrong


def afterwards(stage: Stage) -> Iterator[str]:
    """Promises that the next run, which meets no fault, has not kept."""
    again = attempt(stage.scene.command, stage.place, stage.shim, Fault())
    if again.code != 0:
        yield f"the next run ended with {again.code}: {again.text[-400:]}"
    elif left := leftovers(stage.place):
        yield f"the next run left {', '.join(left[:4])}"
    if wrong := problem(stage.scene, stage.place):
        yield f"after the next run {wrong}"
