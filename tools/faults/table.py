"""The fault table: which fault, on which command, what is promised, and what came of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from .board import board
from .conditions import CONDITIONS, WHOLE
from .loop import Kind, Outcome, Stage, faults, prepare, suffer
from .row import Row, growing
from .scenes import SCENES
from .shim import Shim

Say = Callable[[str], None]
KINDS: dict[Kind, tuple[str, str]] = {
    "once": ("each operation fails once", WHOLE),
    "for good": ("each operation fails, and all later ones of its kind", WHOLE),
    "killed": ("SIGKILL at each operation, to the process that makes it", f"{WHOLE}, or killed"),
    "stopped": ("SIGTERM at each operation, to the process that makes it", f"{WHOLE}, or exit code 143"),
}


def rows(
    shim: Shim, only: Sequence[str], kinds: Sequence[Kind], every: int, at: Container[int], conditions: bool, say: Say
) -> Iterator[Row]:
    """Every kind of fault on every command; a row comes again whenever it has grown.

    Args:
        shim: that this process was started with.
        only: names of the scenes; none means all.
        kinds: of what goes wrong at an operation; none means all.
        every: of the operations every so many fails, from another one on for each kind.
        at: the operations that may fail.
        conditions: also what the machine has too little of.
        say: told each fault and what came of it.
    """
    for scene in SCENES:
        if not only or scene.name in only:
            with tempfile.TemporaryDirectory(prefix="faults-") as name, ExitStack() as stack:
                if scene.remote:
                    remote = Path(name) / "board"
                    remote.mkdir()
                    stack.enter_context(board(remote))
                folder = Path(name) / "scene"
                folder.mkdir()
                stage = prepare(scene, folder, shim)
                say(f"{scene.name}: {len(stage.classes)} operations")
                for number, (kind, (title, promise)) in enumerate(KINDS.items()):
                    if kinds and kind not in kinds:
                        continue
                    turns = islice(faults(stage, kind), number % every, None, every)
                    landed = filter(None, (suffer(stage, fault) for fault in turns if fault.at in at))
                    begun = Row(title, scene.name, promise, 0, {}, of=len(stage.classes))
                    yield from growing(begun, told(landed, say))
                if conditions and not scene.remote:
                    yield from conditions_of(stage, say)


def conditions_of(stage: Stage, say: Say) -> Iterator[Row]:
    """What the machine may have too little of, on one command."""
    for one in CONDITIONS:
        if one.root and os.geteuid() != 0:
            yield Row(one.name, stage.scene.name, one.promise, 0, {}, 0, ("not tried: only root may bring it about",))
        else:
            begun = Row(one.name, stage.scene.name, one.promise, 0, {})
            yield from growing(begun, told(one.happen(stage), say))


def told(outcomes: Iterator[Outcome], say: Say) -> Iterator[Outcome]:
    """The same, each said as it comes."""
    for outcome in outcomes:
        kept = f"BROKEN {'; '.join(outcome.broken)}" if outcome.broken else "kept"
        say(f"{outcome.scene} | {outcome.fault} | {outcome.code} | {kept}")
        yield outcome
