"""What a network costs on a device: its artifact is made with random weights, and measured or counted there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...artifacts.prepare import ExportOptions
from ...base.progress import Progress
from ...bench.session import Limits, Session
from ...counting.count import count
from ...counting.emulator import prepare
from ...devices.inventory import find_device
from ...devices.quarantine import admit
from ...devices.reach import reach
from ...devices.virtual.simulated import SIMULATED
from ...errors import NotComparableError
from ...types import ExportProfile, ModelCard, Stored
from ...types.urls import is_loopback
from ..export import export


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one inference: by a clock, or estimated from counted instructions.

    Attributes:
        doubt: why a measurement is not to be trusted, if so.
    """

    ms: float
    kind: Literal["measured", "counted"]
    doubt: str = ""


Price = Callable[[ModelCard, Path], Cost]
"""The cost of a card that lies in a file."""


Order = Literal["side by side", "in turn", "quiet"]
"""When networks may be priced: beside anything; one by one, beside trainings; one by one, with nothing else running."""


def order_of(device: str, threads: int) -> Order:
    """When networks may be priced on a device. Counts on several threads depend on how these wait for each other.

    Raises:
        UsageError: an unknown device.
    """
    place = find_device(device)
    if place.transport == "simulated":
        return "side by side" if threads == 1 else "quiet"
    return "quiet" if place.transport == "local" or is_loopback(place.address or "") else "in turn"


@contextmanager
def pricing(
    device: str,
    profile: ExportProfile,
    folder: Path,
    *,
    threads: int = 1,
    limits: Limits | None = None,
    force: bool = False,
    progress: Progress,
) -> Iterator[Price]:
    """The way to the costs on a device, ours alone until the block ends.

    Args:
        device: one that measures, or a simulated board, which counts.
        profile: how the artifacts are made.
        folder: gets them.
        threads: within an operator.
        limits: of each measurement; short ones when None.
        force: measure even on a quarantined device.
        progress: receives an event as each step begins.

    Raises:
        UsageError: an unknown device.
        NotComparableError: an emulated one.
        ToolError: it cannot be reached, or this machine cannot count.
    """
    place = find_device(device)

    def made(card: ModelCard, path: Path) -> Stored:
        options = ExportOptions(out=folder, sources={card.id: str(path)})
        (outcome,) = export([str(path)], [profile], options, progress)
        if outcome.error is not None:
            raise outcome.error
        assert outcome.folder is not None
        assert outcome.artifact is not None
        return Stored(outcome.folder, outcome.artifact)

    if place.transport == "virtual":
        raise NotComparableError(
            f"{device} is emulated: its latency means nothing, and no network can be chosen by it",
            f"a simulated board counts: --device {next(iter(SIMULATED))}",
        )
    if place.transport == "simulated":
        board = prepare(SIMULATED[place.id], progress)
        yield lambda card, path: Cost(
            count(made(card, path), board, threads=threads, repeat=False, progress=progress).estimate.latency_ms,
            "counted",
        )
        return
    admit(place, force, progress)
    with reach(place, progress) as transport:
        session = Session(transport, place, threads=threads, limits=limits or Limits(max_s=5.0))

        def measured(card: ModelCard, path: Path) -> Cost:
            taken = session.latency(made(card, path), progress)
            verdict = taken.verdict
            doubt = "" if verdict.name == "stable" else f"{verdict.name}: {'; '.join(verdict.reasons)}"
            return Cost(taken.p50_ms, "measured", doubt)

        yield measured
