"""Bring an int8 artifact near enough to its network, with as few layers in float and as few second scales as possible.
A search in simulation ranks the moves that would help; artifacts then show how much they really help. The simulation is
off by some decibels, about the same at every point of its path. Each artifact shows by how much, and so where on the
path to try the next one.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from ..base.images.pixels import MAX_IMAGES
from ..base.inside import inside
from ..base.processes.isolate import run_isolated
from ..base.progress import Note, Progress, Step, Warned
from ..base.stats import rounded
from ..base.target import host_target
from ..catalog import profile_for
from ..convert.int8.tensor_noise import MOST_MACS
from ..errors import EdgekitError, VerificationError
from ..forms.resolve import resolve
from ..types import ExportProfile, FloatCost, FloatStep, Parity, SelectiveFloat, TargetClass
from .children import jobs
from .children.imports import NETWORK
from .convert import convert
from .prepare import MORE_TIME, Prepared
from .requests import Clipping, ClippingRequest, FloatCostRequest, Made, PlacedMove, Placement, PlacementRequest
from .verify import check_parity

AIM_MACS = 0.1
"""Largest share in float for a bound that a profile only aims at."""
MORE_DB = 4.0
"""Margin of the search above what the first artifact's distance from its simulation requires."""
MOST_ARTIFACTS = 5
WORTH_DB = 1.0
"""What more in float has to bring towards an aim that is missed all the same."""
CLIPPING_DB = 1.0
"""The smallest loss to mention."""
FEW_IMAGES = 64
"""With more of them than this, an artifact that is near enough is not asked what its ranges clip."""
LEAST_COSINE = 1e-3
"""Nearer to 0 or 1 it is taken for this."""
ENOUGH_MOVES = 3
"""Number of moves on the path that are not worth another artifact in between."""


@dataclass(frozen=True)
class Goal:
    """The goal of an artifact besides the profile's bounds.

    Attributes:
        sqnr_db: at its scores.
        most_float: share of multiply-accumulates that may go to float for it.
        aimed: missing it is no failure.
    """

    sqnr_db: float
    most_float: float
    aimed: bool = False


@dataclass(frozen=True)
class Selected:
    """The artifact that was taken: how it is made, what the converter said of it, how near it is, how it was chosen,
    and whether its ranges are from too few images.
    """

    profile: ExportProfile
    made: Made
    parity: Parity
    record: SelectiveFloat | None
    doubt: str = ""
    error: VerificationError | None = None


@dataclass(frozen=True)
class Tried:
    """An artifact with the first ``moves`` of a path."""

    moves: int
    profile: ExportProfile
    folder: Path
    made: Made
    parity: Parity
    failures: tuple[str, ...]


def goals_of(prepared: Prepared, profile: ExportProfile) -> tuple[Goal, ...]:
    """What to reach, the first wish first: what was asked for, else the profile's aim for trained weights, its bound.

    Random weights have no accuracy to win, and say nothing of what trained ones need.
    """
    asked = prepared.options.min_sqnr_db
    bound = profile.parity.min_sqnr_db if asked is None else asked
    settings = profile.quantization
    assert settings is not None
    must = Goal(bound, MOST_MACS)
    aim = settings.aim_sqnr_db
    if asked is not None or aim is None or aim <= bound or not prepared.provenance.trained:
        return (must,)
    return (Goal(aim, AIM_MACS, aimed=True), must)


def select_float(prepared: Prepared, base: ExportProfile, folder: Path, progress: Progress) -> Selected:
    """Convert, and convert again with more in float until the goal is met; the files end up in ``folder``.

    Where no goal is met, with half of the multiply-accumulates in float, it is the nearest one, with an error.

    Raises:
        EdgekitError: a conversion failed.
    """
    goals = goals_of(prepared, base)
    first = attempt(prepared, base, (), goals[0], progress)
    if prepared.options.strict_int8 or not missed(first.parity, goals[0].sqnr_db):
        record = SelectiveFloat(budget_db=goals[0].sqnr_db, aimed=goals[0].aimed, steps=(step_of(None, first, ()),))
        doubt = first_doubt(prepared, base, first.made.target)
        return taken(first, record if prepared.options.selective_float else None, folder, doubt)
    for goal in goals:
        tried = [first]
        progress(Step(f"looking for what brings it to {goal.sqnr_db:g} dB"))
        path = search(prepared, base, first, goal)
        moves = path.moves
        doubt = clipping_doubt(path.clipping)
        while len(tried) < MOST_ARTIFACTS:
            count = next_point(path, tried, goal)
            if count is None:
                break
            tried.append(attempt(prepared, base, moves[:count], goal, progress))
            if not missed(tried[-1].parity, goal.sqnr_db):
                break
        best = taken_of(tried, goal)
        reached = not missed(best.parity, goal.sqnr_db)
        if best is not tried[-1]:  # what the last one gave lies where the layers' errors are looked for
            check_parity(prepared, best.profile, best.folder, best.made)
        if reached or (goal.aimed and best.parity.passed):
            cost = float_cost(prepared, first, best, progress)
            steps = steps_of(tried, best, moves)
            record = SelectiveFloat(budget_db=goal.sqnr_db, aimed=goal.aimed, steps=steps, cost=cost)
            return taken(best, record, folder, doubt)
    error = not_reached(steps_of(tried, best, moves), goals[-1].sqnr_db, doubt)
    return replace(taken(best, None, folder), error=error)


def taken_of(tried: list[Tried], goal: Goal) -> Tried:
    """The artifact to take: the nearest one; short of what is only aimed at, the one with the fewest moves about as
    near.
    """
    nearest = min(tried, key=lambda one: (len(one.parity.failures), -one.parity.sqnr_db))
    if not goal.aimed or not missed(nearest.parity, goal.sqnr_db):
        return nearest
    least, failures = nearest.parity.sqnr_db - WORTH_DB, len(nearest.parity.failures)
    near = [one for one in tried if one.parity.sqnr_db >= least and len(one.parity.failures) == failures]
    return min(near, key=lambda one: one.moves)


def float_cost(prepared: Prepared, first: Tried, best: Tried, progress: Progress) -> FloatCost | None:
    """What the moves take in time; None without any, and on another CPU. That it cannot be timed is only said."""
    if not best.moves or first.made.target != host_target():
        return None
    progress(Step("timing it against float32 and with nothing added"))
    folder = inside(prepared.work, f"{best.profile.name}-in-float", field="the profile's name")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    own = profile_for(best.profile.format, "fp32")
    same = {"opset": best.profile.opset, "ir_version": best.profile.ir_version}
    try:
        exact = convert(prepared, resolve(prepared.card, own.model_copy(update=same)).profile, folder)
        request = FloatCostRequest(
            format=best.profile.format,
            before=first.folder / first.made.files[0],
            after=best.folder / best.made.files[0],
            float32=folder / exact.files[0],
            inputs=(first.made.inputs, best.made.inputs, exact.inputs),
        )
        what = f"timing {prepared.card.id}"
        return run_isolated(jobs.float_cost, request, prepared.options.timeout_s, what, more_time=MORE_TIME)
    except EdgekitError as error:
        progress(Warned(f"what accuracy costs could not be timed: {error}"))
        return None


def taken(best: Tried, record: SelectiveFloat | None, folder: Path, doubt: str = "") -> Selected:
    """The artifact that was chosen, its files in ``folder``."""
    for file in best.folder.iterdir():
        shutil.move(file, folder / file.name)
    return Selected(best.profile, best.made, best.parity, record, doubt)


def attempt(
    prepared: Prepared, base: ExportProfile, moves: tuple[PlacedMove, ...], goal: Goal, progress: Progress
) -> Tried:
    """An artifact with these moves, in a folder of its own."""
    profile = with_moves(base, moves)
    folder = inside(prepared.work, f"{base.name}-placed-{len(moves)}", field="the profile's name")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    made = convert(prepared, profile, folder)
    parity = check_parity(prepared, profile, folder, made)
    tried = Tried(len(moves), profile, folder, made, parity, missed(parity, goal.sqnr_db))
    if moves or tried.failures:
        progress(Note(step_text(step_of(None, tried, moves))))
    return tried


def with_moves(base: ExportProfile, moves: tuple[PlacedMove, ...]) -> ExportProfile:
    """The profile with these in float and stored in two tensors, besides those that it has itself."""
    settings = base.quantization
    assert settings is not None
    kept = dict.fromkeys([*settings.keep_float, *(path for move in moves for path in move.float_layers)])
    split = dict.fromkeys([*settings.two_scales, *(move.two_scales for move in moves if move.two_scales)])
    changes = {"keep_float": tuple(kept), "two_scales": tuple(split)}
    return base.model_copy(update={"quantization": settings.model_copy(update=changes)})


def search(prepared: Prepared, base: ExportProfile, first: Tried, goal: Goal) -> Placement:
    """The path that a simulation finds, beyond the goal by what it may be off."""
    request = PlacementRequest(
        network=prepared.source,
        profile=base,
        target=first.made.target,
        calibration=prepared.calibration_file,
        most_float=goal.most_float,
        measured_db=first.parity.sqnr_db,
        budget_db=wanted_db(first.parity, goal) + MORE_DB,
    )
    what = f"simulating {prepared.card.id} with more in float"
    limit_s = prepared.options.timeout_s
    return run_isolated(jobs.place, request, limit_s, what, more_time=MORE_TIME, imports=NETWORK)


def first_doubt(prepared: Prepared, base: ExportProfile, target: TargetClass) -> str:
    """As :func:`clipping_doubt`, of an artifact that needs no search: of trained weights, with ranges of few images.

    Parity on the calibration images, which is what an export without others has, does not show what the ranges clip.
    """
    if not prepared.provenance.trained or prepared.ranges or prepared.calibration.count > FEW_IMAGES:
        return ""
    request = ClippingRequest(
        network=prepared.source, profile=base, target=target, calibration=prepared.calibration_file
    )
    what = f"simulating what few calibration images clip in {prepared.card.id}"
    limit_s = prepared.options.timeout_s
    return clipping_doubt(run_isolated(jobs.clipping, request, limit_s, what, more_time=MORE_TIME, imports=NETWORK))


def clipping_doubt(clipping: Clipping) -> str:
    """That more calibration images would help, with the figure; empty where they would not by much."""
    if clipping.lost_db is None or clipping.lost_db < CLIPPING_DB or clipping.images >= MAX_IMAGES:
        return ""
    return (
        f"{clipping.images} calibration images are few for this network: on one half of them int8 loses "
        f"{clipping.lost_db:.1f} dB with ranges that know the other half alone (simulated)"
    )


def next_point(path: Placement, tried: list[Tried], goal: Goal) -> int | None:
    """How many moves to try next, as the simulation, set right by the last artifact, asks for; None: none is left.

    Where nothing reaches what is only aimed at, the moves that bring less than :data:`WORTH_DB` together are left out:
    they cost time and space.
    """
    last = tried[-1]
    simulated = [path.sqnr_db, *(move.sqnr_db for move in path.moves)]
    off = last.parity.sqnr_db - simulated[last.moves]
    points = range(last.moves + 1, len(simulated))
    if not points:
        return None
    wanted = wanted_db(last.parity, goal)
    count = next((count for count in points if simulated[count] + off >= wanted), None)
    if count is None and goal.aimed:
        worth = max(simulated[count] for count in points) - WORTH_DB
        if last.parity.passed and simulated[last.moves] > worth:
            return None
        count = next(count for count in points if simulated[count] >= worth)
    if count is None:
        count = points[-1]
    if len(tried) > 1:
        count = max(count, min(last.moves + ENOUGH_MOVES, points[-1]))
    return count


def wanted_db(parity: Parity, goal: Goal) -> float:
    """The SQNR at which an artifact would meet the goal and its bounds.

    Less noise raises the SQNR against what differs between the images by as much, and that of the worst image.
    """
    bounds = parity.tolerance
    short = [0.0]
    if parity.image_sqnr_db is not None and bounds.min_image_sqnr_db is not None:
        short.append(bounds.min_image_sqnr_db - parity.image_sqnr_db)
    if "cosine" in parity.judged:
        short.append(db_of_cosine(bounds.min_cosine) - db_of_cosine(parity.cosine_min))
    return max(goal.sqnr_db, bounds.min_sqnr_db, parity.sqnr_db + max(short))


def db_of_cosine(cosine: float) -> float:
    """The SQNR of scores that are turned by so much, dB; noise at a right angle to them."""
    seen = min(max(cosine, LEAST_COSINE), 1 - LEAST_COSINE)
    return 10 * math.log10(seen**2 / (1 - seen**2))


def missed(parity: Parity, budget: float) -> tuple[str, ...]:
    """The criteria that an artifact does not meet, in words."""
    if parity.sqnr_db >= budget or parity.sqnr_db < parity.tolerance.min_sqnr_db:
        return parity.failures
    return (f"SQNR {rounded(parity.sqnr_db, budget, 1)} dB is below {budget:g} dB", *parity.failures)


def steps_of(tried: list[Tried], best: Tried, moves: tuple[PlacedMove, ...]) -> tuple[FloatStep, ...]:
    """What was tried, the artifact that was taken last."""
    ordered = [*(one for one in tried if one.moves < best.moves), best]
    return tuple(step_of(before, one, moves) for before, one in zip([None, *ordered], ordered, strict=False))


def step_of(before: Tried | None, one: Tried, moves: tuple[PlacedMove, ...]) -> FloatStep:
    """One artifact, as the manifest keeps it."""
    new = moves[before.moves if before else 0 : one.moves]
    made = moves[: one.moves]
    return FloatStep(
        added=tuple(path for move in new for path in move.float_layers),
        two_scales=tuple(move.two_scales for move in new if move.two_scales),
        layers=sum(move.weighted for move in made),
        macs_share=sum(move.share for move in made),
        sqnr_db=one.parity.sqnr_db,
        failures=one.failures,
    )


def step_text(step: FloatStep) -> str:
    """What a step keeps in float and stores in two tensors, what that costs and what came of it."""
    if not step.added and not step.two_scales:
        return f"nothing in float for it: SQNR {step.sqnr_db:.1f} dB"
    parts = []
    if step.added:
        count = f", {step.layers} layers in all" if step.layers > len(step.added) else ""
        parts.append(f"{', '.join(step.added)} in float{count}, {step.macs_share:.1%} of MACs")
    if step.two_scales:
        parts.append(f"two scales for the input of {', '.join(step.two_scales)}")
    return f"{'; '.join(parts)}: SQNR {step.sqnr_db:.1f} dB"


def not_reached(steps: tuple[FloatStep, ...] | list[FloatStep], budget: float, doubt: str = "") -> VerificationError:
    """The error when too much would have to stay in float; ``doubt`` is about the calibration images."""
    best = max(steps, key=lambda step: (-len(step.failures), step.sqnr_db))
    reached = rounded(best.sqnr_db, budget, 1)
    what = f"SQNR {budget:g} dB is not reached" if best.sqnr_db < budget else "the bounds of parity are not met"
    return VerificationError(
        f"{what} with up to {MOST_MACS:.0%} of the multiply-accumulates in float: the best "
        f"is {reached} dB with {best.layers} layer(s), {best.macs_share:.1%} of MACs, in float "
        f"({'; '.join(best.failures)})",
        (f"{doubt}. Calibrate on more, " if doubt else "calibrate on photos like the network's own, ")
        + "give a lower --min-sqnr, or export --fp16",
    )
