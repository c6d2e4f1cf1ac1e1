"""Does int8 pay? An int8 artifact against the float form of the same network, and where its time goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..base.listing import listing
from ..bench.answers import AnswerError
from ..bench.choice import speed
from ..bench.session import Session
from ..errors import EdgekitError, InconclusiveError, ToolError, VerificationError
from ..types import Audit, Int8VsFloat, OpTime, Ratio, TuningConditions
from ..types.answers import PerOpAnswer
from .build import Built

LISTED = 5
"""Operator types named."""
LEAST = 0.02
"""Share of the inference below which an operator type is not named."""


def int8_vs_float(
    ratio: Ratio,
    int8: Built,
    float_: Built,
    session: Session,
    conditions: TuningConditions,
    bound: float = 1.0,
    overload: str = "",
) -> Int8VsFloat:
    """The comparison, with what costs int8 its time unless it is more than ``bound`` times as fast.

    Args:
        ratio: latency of float over int8.
        int8: the artifact in question.
        float_: its float counterpart.
        session: the device, to time operators on.
        conditions: of the ratio.
        bound: the speed-up that is asked for.
        overload: of the device while it was measured, in words.
    """
    if overload:
        return Int8VsFloat(conditions=conditions, speed="undecided", ratio=ratio, overload=overload)
    fast = speed(ratio, max(bound, 1.0)) == "faster"
    costs = () if fast else (*operator_costs(int8, float_, session), *audit_costs(int8.artifact.audit))
    return Int8VsFloat(conditions=conditions, speed=speed(ratio), ratio=ratio, costs=costs)


def operator_costs(int8: Built, float_: Built, session: Session) -> list[str]:
    """The operator types on which int8 spends more than float does, by the difference."""
    taken: list[list[OpTime]] = []
    for built in (int8, float_):
        try:
            answer = session.launch(PerOpAnswer, built.stored)
        except AnswerError:
            raise
        except ToolError as error:
            return [f"operator times are not known: {error}"]
        if answer.per_op is None:
            return [f"operator times are not known: {answer.note}"]
        taken.append(list(answer.per_op))
    return dearer_types(*taken)


def dearer_types(int8: Sequence[OpTime], float_: Sequence[OpTime]) -> list[str]:
    """Operator types in words, those first that take most more time in int8 than in float; then what float runs.

    Runtimes name most int8 operators differently, so that the last line is what to hold the others against.
    """
    (int8_ns, counts), (float_ns, float_counts) = by_type(int8), by_type(float_)
    total = max(1, sum(int8_ns.values()))
    dearer = sorted(int8_ns, key=lambda name: float_ns[name] - int8_ns[name])
    named = [name for name in dearer if int8_ns[name] >= LEAST * total and int8_ns[name] > float_ns[name]]
    lines = [
        f"{counts[name]} {name}: {int8_ns[name] / 1e6:.2f} ms, {int8_ns[name] / total:.0%} of int8's time"
        + (f"; in float32 {float_ns[name] / 1e6:.2f} ms" if name in float_ns else "")
        for name in named[:LISTED]
    ]
    longest = sorted(float_ns, key=lambda name: -float_ns[name])[:LISTED]
    listed = ", ".join(f"{float_counts[name]} {name} {float_ns[name] / 1e6:.2f} ms" for name in longest)
    return [*lines, f"float32 takes {sum(float_ns.values()) / 1e6:.2f} ms: {listed}"]


def by_type(ops: Iterable[OpTime]) -> tuple[Counter[str], Counter[str]]:
    """Nanoseconds and number of the operators of each type."""
    times: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for op in ops:
        times[op.type] += op.ns
        counts[op.type] += 1
    return times, counts


def audit_costs(audit: Audit) -> list[str]:
    """Costs of an int8 artifact that the audit found."""
    costs = []
    if audit.float_ops:
        costs.append(f"computed in float: {listing(audit.float_ops)}")
    if audit.quantize_ops + audit.dequantize_ops > 2:
        costs.append(f"{audit.quantize_ops} quantize and {audit.dequantize_ops} dequantize operators are executed")
    if audit.transposes:
        costs.append(f"{audit.transposes} transposes are executed")
    if audit.undelegated:
        costs.append(
            f"outside {audit.delegate}, in {audit.delegate_partitions} partition(s): {listing(audit.undelegated)}"
        )
    return costs


def shortfall(found: Int8VsFloat, bound: float) -> EdgekitError | None:
    """The error that a speed-up of less than ``bound`` means, None when it is reached."""
    answer = "undecided" if found.overload else speed(found.ratio, bound)
    if answer == "faster":
        return None
    ratio, where = found.ratio, found.conditions
    said = (
        f"float32 / int8 latency is {ratio.ratio:.2f}x ({ratio.low:.2f} to {ratio.high:.2f}, {ratio.pairs} pairs) on "
        f"{where.device} ({where.target}, {where.runtime} {where.runtime_version}, {where.workers})"
    )
    if answer == "undecided":
        return InconclusiveError(
            f"whether int8 is over {bound:g}x as fast as float32 cannot be told: {found.overload or said}; "
            "nothing was kept",
            "measure again when the device is idle",
        )
    costs = "".join(f"\n  {cost}" for cost in found.costs)
    return VerificationError(
        f"int8 is not over {bound:g}x as fast as float32: {said}; nothing was kept" + costs,
        "export float32 or float16, or find a faster form: edgekit tune",
    )


def unknown_speedup() -> EdgekitError:
    """The error when throttling left too few rounds to compare int8 with float."""
    return InconclusiveError(
        "whether int8 is faster than float32 cannot be told: the device throttled in nearly every round; "
        "nothing was kept",
        "let the device cool, give it a stronger supply, then measure again",
    )
