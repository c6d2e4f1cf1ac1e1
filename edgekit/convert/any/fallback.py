"""Bring an int8 file near enough to its network, with some operators in float where int8 alone is not.

The path comes from :mod:`edgekit.convert.int8.tensor_noise`, by what :mod:`edgekit.convert.int8.tensor_effect` tells of
the tensors; files that are made on the way show where on it to stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from numpy.typing import NDArray

from ...errors import EdgekitError
from ..int8.tensor_effect import Effect, tensor_effects
from ..int8.tensor_noise import MOST_MACS, Move, Touched, moves
from .job import AnyJob

Arrays = list[NDArray[Any]]
MOST_FILES = 6
MARGIN_DB = 1.0
"""By how much more than asked for the next file is to come, as a tensor's noise is an estimate."""
FEWEST = 3
"""Steps on the path that are not worth another file in between."""
NAMED, LONGEST = 3, 40
OPERATOR = "edgekit.convert.onnx_network.network.Op_"
"""What TFLite's converter puts in front of the name of an ONNX file's operator."""


class Kit(Protocol):
    """A float file of one format, and how it becomes int8.

    Attributes:
        expected: its outputs on the calibration inputs, with the sets as a dimension in front.
        ways: outliers an input that the ranges can leave out.
        outliers: those that they do leave out; 0 for the smallest to the largest value.
    """

    expected: Arrays
    ways: tuple[int, ...]
    outliers: int

    def tensors(self, effects: Sequence[Effect]) -> tuple[Sequence[Touched], Mapping[str, int]]:
        """The tensors that the last int8 file rounds, and the multiply-accumulates of the operators by name.

        Args:
            effects: of the network's tensors; none where they are not known.
        """

    def quantized(self, kept: frozenset[str]) -> Path:
        """Write the int8 file in which these operators are in float, in the place of one before."""

    def outputs(self, file: Path) -> Arrays:
        """The outputs of such a file on the calibration inputs."""


@dataclass(frozen=True)
class Tried:
    """An int8 file: how far on the path, by how many dB its worst output is beyond the bounds, and what it misses."""

    step: int
    beyond_db: float
    sqnr_db: float
    failures: tuple[str, ...]


def near_enough(kit: Kit, job: AnyJob) -> tuple[Path, frozenset[str], tuple[str, ...]]:
    """The int8 file, the operators that it computes in float on purpose, and a line that says so.

    The file with least in float that meets the bounds; where none does, the nearest, which verification then refuses.
    The kit keeps the ranges that were chosen.
    """
    first, file = with_best_ranges(kit, job)
    if not first.failures or job.strict_int8:
        return file, frozenset(), ()
    path = list(moves(*kit.tensors(effects_of(job, kit.outliers)), MOST_MACS))
    files = [first]
    while len(files) < MOST_FILES:
        step = next_step(path, files)
        if step is None:
            break
        one, file = tried(kit, job, step, path[step].operators)
        files.append(one)
    met = [one for one in files if not one.failures]
    best = min(met, key=lambda one: one.step) if met else max(files, key=lambda one: (one.beyond_db, one.sqnr_db))
    chosen = path[best.step]
    if best is not files[-1]:
        file = kit.quantized(chosen.operators)
    return file, chosen.operators, (text(first, best, chosen),)


def with_best_ranges(kit: Kit, job: AnyJob) -> tuple[Tried, Path]:
    """The file all in int8 whose worst output is nearest, with ranges of all values or without some outliers.

    Ranges of all values clip nothing of the inputs that they are judged on; others that are nearer even so are taken.
    They are not asked for where all values bring the profile's aim.
    """
    first, file = tried(kit, job, 0, frozenset())
    settings = job.profile.quantization
    aim = settings.aim_sqnr_db if settings else None
    if not first.failures and (aim is None or first.sqnr_db >= aim):
        return first, file
    found = {0: first}
    for outliers in kit.ways:
        kit.outliers = outliers
        found[outliers], file = tried(kit, job, 0, frozenset())
    last = kit.outliers
    kit.outliers = max(found, key=lambda outliers: found[outliers].sqnr_db)
    return found[kit.outliers], file if kit.outliers == last else kit.quantized(frozenset())


def effects_of(job: AnyJob, outliers: int) -> list[Effect]:
    """What the rounding of each tensor does to the outputs; nothing for an ONNX file that PyTorch cannot run."""
    program = job.program
    if program is None and job.imported is not None:
        try:
            program = job.imported()
        except EdgekitError:
            return []
    if program is None:
        return []
    return tensor_effects(program, [torch.from_numpy(array) for array in job.sets], outliers)


def tried(kit: Kit, job: AnyJob, step: int, kept: frozenset[str]) -> tuple[Tried, Path]:
    """A file with these operators in float, and what is said of it."""
    file = kit.quantized(kept)
    found = job.judge(kit.expected, kit.outputs(file))
    return Tried(step, found.beyond_db, found.sqnr_db, found.failures), file


def next_step(path: Sequence[Move], files: Sequence[Tried]) -> int | None:
    """Where on the path to try next: further on until a file meets the bounds, then back; None: nothing is left."""
    met = [one.step for one in files if not one.failures]
    missed = max((one for one in files if one.failures and one.step < min(met, default=len(path))),
                 key=lambda one: one.step)  # fmt: skip
    if met:
        middle = (missed.step + min(met)) // 2
        return middle if min(met) - missed.step > FEWEST else None
    last = len(path) - 1
    if missed.step == last:
        return None
    wanted = path[missed.step].left * 10 ** ((missed.beyond_db - MARGIN_DB) / 10)
    fitting = next((step for step in range(missed.step + 1, last) if path[step].left <= wanted), last)
    return min(max(fitting, missed.step + FEWEST), last)


def text(first: Tried, best: Tried, chosen: Move) -> str:
    """The line of a region in float, or of that there is none."""
    missed = f" ({first.failures[0]})" if not best.failures else ""
    start = f"all in int8 gives SQNR {first.sqnr_db:.1f} dB at the worst output{missed}"
    if best is first:
        return f"{start}, and with up to {MOST_MACS:.0%} of MACs in float none is nearer"
    named = list(dict.fromkeys(map(short, chosen.tensors)))
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return (
        f"{start}; with the results of {', '.join(named[:NAMED])}{more} in float, {chosen.share:.1%} of MACs, "
        f"{best.sqnr_db:.1f} dB" + (", the nearest" if best.failures else "")
    )


def short(name: str) -> str:
    """The end of a tensor's name, which in some formats is the whole way to it."""
    end = name.partition(";")[0].rstrip("/").rpartition("/")[2]
    return end.removeprefix(OPERATOR)[-LONGEST:]
