"""The verb ``estimate``: what networks would take on a board, by exports that nobody has to make first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...artifacts.prepare import ExportOptions
from ...artifacts.store import read_manifest
from ...base.folders import exports_folder
from ...base.progress import Progress, telling
from ...base.scratch import scratch_folder
from ...catalog import find_card
from ...counting.emulator import Ready, prepare
from ...counting.kept import count_once
from ...counting.model import cores
from ...counting.model import estimate as modelled
from ...devices.inventory import find_device
from ...devices.target import target_of
from ...devices.virtual.likeness import Likeness, is_board, likeness_of
from ...devices.virtual.simulated import device_of
from ...errors import EdgekitError, UsageError
from ...types import Counted, ExportProfile
from ..export import export


@dataclass
class Estimated:
    """What came of it.

    Attributes:
        like: which simulated core stands for the device.
        counted: of each artifact, the estimate at the clock of the device's core.
        failures: what could not be exported or counted, and why.
    """

    like: Likeness
    counted: list[Counted] = field(default_factory=list)
    failures: list[tuple[str, EdgekitError]] = field(default_factory=list)


def find_likeness(name: str) -> Likeness:
    """What stands for a device of ``devices.toml``, a kind of board, or a simulated board.

    Raises:
        UsageError: nothing of that name is known, or its core has no model.
    """
    try:
        device = find_device(name)
    except UsageError:
        if not is_board(name):
            raise
        return likeness_of(name, None)
    return likeness_of(name, None if device.board is None and is_board(name) else device)


def estimate(
    models: Sequence[str],
    profiles: Sequence[ExportProfile],
    device: str,
    *,
    weights: str = "random",
    progress: Progress,
) -> Estimated:
    """Export every model with every profile to a temporary folder, count each artifact, and model its cycles.

    Exports and counts are kept in the cache, so that the next time is quick. Nothing is written elsewhere.

    Args:
        models: ids, aliases or card files.
        profiles: the ways to make an artifact; the target becomes that of the board.
        device: of ``devices.toml``, a kind of board, or a simulated one.
        weights: as of an export.
        progress: receives an event as each step begins.

    Raises:
        UsageError: an unknown model or device, or a core without a model: found before any work starts.
        ToolError: this machine cannot count.
        EdgekitError: the only model cannot be built.
    """
    for model in models:
        find_card(model)
    run = Estimated(find_likeness(device))
    ready = prepare(run.like.board, progress)
    target = target_of(device_of(run.like.board))
    wanted = [profile.model_copy(update={"target": target}) for profile in profiles]
    with scratch_folder("estimate") as folder:
        options = ExportOptions(weights=weights, out=folder, cache=exports_folder())
        for outcome in export(models, wanted, options, progress):
            label = f"{outcome.model}/{outcome.profile}"
            try:
                if outcome.error is not None:
                    raise outcome.error
                assert outcome.folder is not None
                stored = read_manifest(outcome.folder)
                counted = count_once(stored, ready, telling(label, progress))
                run.counted.append(at_clock(counted, ready, run.like.clock_mhz))
            except EdgekitError as error:
                run.failures.append((label, error))
    return run


def at_clock(counted: Counted, ready: Ready, mhz: int) -> Counted:
    """The count with the estimate at another clock: the cycles stay."""
    return counted.model_copy(update={"estimate": modelled(counted.counts, cores()[ready.board.cpu], mhz)})
