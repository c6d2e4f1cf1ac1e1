"""Leave as few and as cheap layers in float as an int8 artifact needs to be near enough to the float network.

Which layers would help is simulated; whether they do is measured, on an artifact of every step. A step at most doubles
the number of layers, so that few artifacts are made and not many layers too many are kept.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ..base.inside import inside
from ..base.isolate import run_isolated
from ..base.progress import Note, Progress
from ..base.stats import rounded
from ..errors import VerificationError
from ..types import ExportProfile, FloatStep, Parity, SelectiveFloat
from .children import jobs
from .convert import convert
from .imports import NETWORK
from .prepare import MORE_TIME, Prepared
from .requests import GainsRequest, Made
from .verify import check_parity

BORDER_COST = 0.01
"""What a float layer costs besides its MACs, as a share of them all: conversions on both of its sides."""
MOST_MACS = 0.5
"""With more of the network in float there is little left for int8 to gain."""


@dataclass(frozen=True)
class Candidate:
    """A layer that is in int8.

    Attributes:
        share: of the network's multiply-accumulates.
        gain: share of the noise power of the scores that goes when it stays in float.
    """

    path: str
    share: float
    gain: float

    @property
    def worth(self) -> float:
        """Gain per cost."""
        return self.gain / (self.share + BORDER_COST)


@dataclass(frozen=True)
class Selected:
    """The artifact that meets the budget: how it is made, what the converter said of it, how it was chosen."""

    profile: ExportProfile
    made: Made
    record: SelectiveFloat


def select_float(prepared: Prepared, base: ExportProfile, folder: Path, progress: Progress) -> Selected:
    """Convert with more and more layers in float until the budget is met; the files end up in ``folder``.

    The budget is ``ExportOptions.min_sqnr_db``, or the profile's own, and every other criterion of the profile.

    Raises:
        VerificationError: it is not met with half of the multiply-accumulates in float.
        EdgekitError: a conversion failed.
    """
    asked = prepared.options.min_sqnr_db
    budget = base.parity.min_sqnr_db if asked is None else asked
    shares: dict[str, float] = {}
    steps: list[FloatStep] = []
    added: tuple[str, ...] = ()
    while True:
        profile = with_float(base, shares)
        attempt = inside(prepared.work, f"{base.name}-float-{len(steps)}", field="the profile's name")
        attempt.mkdir()
        made = convert(prepared, profile, attempt)
        parity = check_parity(prepared, profile, attempt, made)
        failures = missed(parity, budget)
        steps.append(
            FloatStep(
                added=added,
                layers=len(shares),
                macs_share=sum(shares.values()),
                sqnr_db=parity.sqnr_db,
                failures=failures,
            )
        )
        progress(Note(step_text(steps[-1])))
        if not failures:
            for file in attempt.iterdir():
                shutil.move(file, folder / file.name)
            return Selected(profile, made, SelectiveFloat(budget_db=budget, steps=tuple(steps)))
        shutil.rmtree(attempt)
        chosen = choose(
            candidates(prepared, profile, made),
            needed=1 - 10 ** ((parity.sqnr_db - budget) / 10),
            most=2 ** (len(steps) - 1),
            room=MOST_MACS - sum(shares.values()),
        )
        if not chosen:
            raise not_reached(steps, budget)
        added = tuple(candidate.path for candidate in chosen)
        shares |= {candidate.path: candidate.share for candidate in chosen}


def with_float(base: ExportProfile, paths: dict[str, float]) -> ExportProfile:
    """The profile with these layers in float, besides those that it keeps itself."""
    assert base.quantization is not None
    kept = tuple(dict.fromkeys([*base.quantization.keep_float, *paths]))
    return base.model_copy(update={"quantization": base.quantization.model_copy(update={"keep_float": kept})})


def missed(parity: Parity, budget: float) -> tuple[str, ...]:
    """The criteria that an artifact does not meet, in words."""
    if parity.sqnr_db >= budget or parity.sqnr_db < parity.tolerance.min_sqnr_db:
        return parity.failures
    return (f"SQNR {rounded(parity.sqnr_db, budget, 1)} dB is below {budget:g} dB", *parity.failures)


def candidates(prepared: Prepared, profile: ExportProfile, made: Made) -> list[Candidate]:
    """The layers that are still in int8."""
    request = GainsRequest(
        network=prepared.source,
        profile=profile,
        target=made.target,
        calibration=prepared.calibration_file,
        in_float=made.float_names,
    )
    what = f"simulating {prepared.card.id} with more layers in float"
    limit_s = prepared.options.timeout_s
    found = run_isolated(jobs.gains, request, limit_s, what, more_time=MORE_TIME, imports=NETWORK)
    return [Candidate(one.path, one.macs / found.macs, one.gain) for one in found.layers]


def choose(found: list[Candidate], needed: float, most: int, room: float) -> list[Candidate]:
    """The layers to keep in float next, the worthiest first.

    Args:
        found: those in int8.
        needed: share of the noise power that has to go; at least one layer is chosen where one fits.
        most: layers.
        room: share of multiply-accumulates that may still go to float.
    """
    chosen: list[Candidate] = []
    for candidate in sorted(found, key=lambda one: (-one.worth, one.path)):
        if len(chosen) == most or (chosen and sum(one.gain for one in chosen) >= needed):
            break
        if candidate.share <= room:
            chosen.append(candidate)
            room -= candidate.share
    return chosen


def step_text(step: FloatStep) -> str:
    """What a step keeps in float, what that costs and what came of it."""
    if not step.layers:
        return f"all in int8: SQNR {step.sqnr_db:.1f} dB"
    count = f", {step.layers} layers in all" if step.layers > len(step.added) else ""
    return f"{', '.join(step.added)} in float{count}, {step.macs_share:.1%} of MACs: SQNR {step.sqnr_db:.1f} dB"


def not_reached(steps: list[FloatStep], budget: float) -> VerificationError:
    """The error when too much would have to stay in float."""
    best = max(steps, key=lambda step: (-len(step.failures), step.sqnr_db))
    reached = rounded(best.sqnr_db, budget, 1)
    return VerificationError(
        f"SQNR {budget:g} dB is not reached with up to {MOST_MACS:.0%} of the multiply-accumulates in float: the best "
        f"is {reached} dB with {best.layers} layer(s), {best.macs_share:.1%} of MACs, in float "
        f"({'; '.join(best.failures)})",
        "give a lower --min-sqnr, calibrate on photos like the network's own, or export --fp16",
    )
