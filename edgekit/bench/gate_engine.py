"""The gate on one device: pairs until the rule is satisfied, or until something says that there is nothing to decide."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..errors import EdgekitError
from ..types import Conditions, Difference, GateResult, GateStatus, OpChange
from .gate_rule import decide, final_decision, holm, hopeless, look_at, overall_p, too_many_dropped
from .pairs import Pairing, Role, orders

Keep = Callable[[GateResult], None]
BROKEN = "the run was stopped, or its process is gone"
"""The reason that stands in the kept file until there is a better one."""


def run_gate(draft: GateResult, pairing: Pairing, pinned: Conditions | None, plumbing: bool, keep: Keep) -> GateResult:
    """Measure pairs and decide as far as one gate alone can; ``settle`` has the last word over all gates of the run.

    Args:
        draft: what is known before; its status is BROKEN_OFF, and that is what is kept until the end.
        pairing: measures the pairs.
        pinned: the conditions under which the baseline was pinned; None for a baseline that was not.
        plumbing: on an emulated device measure one pair all the same; its times are never judged.
        keep: called after each pair, so that what was measured outlives a crash.

    Returns:
        The result. A device that fails is one too: BROKEN_OFF with the pairs so far. INCONCLUSIVE until settled.
    """
    begin = time.monotonic()
    state = draft

    def ended(status: GateStatus, reason: str, **more: object) -> GateResult:
        return state.model_copy(
            update={"status": status, "reason": reason, "seconds": time.monotonic() - begin, **more}
        )

    try:
        before, info, look = pairing.look()
        key = pairing.conditions(look)
        state = state.model_copy(update={"conditions": key, "emulated": info.emulated})
        differences = pinned.differences(key) if pinned else ()
        if differences:
            return ended("NOT_COMPARABLE", in_words(differences), differences=differences)
        if info.emulated and not plumbing:
            return ended("NOT_COMPARABLE", f"{draft.device.id} is emulated: its latency means nothing")
        reference_ns = before.sentinel_ns
        order = orders(draft.seed)
        candidate_first = next(order)
        while True:
            number = len(state.pairs) + 1
            pairing.on_step(f"pair {number}")
            pair, differences = pairing.pair(number, candidate_first, before, reference_ns, key)
            before = pair.after
            if not pair.dropped:  # else the same order again: it must stay balanced over the pairs that count
                candidate_first = next(order)
            state = state.model_copy(
                update={"pairs": (*state.pairs, pair), "differences": differences, "seconds": time.monotonic() - begin}
            )
            if differences:
                return ended("NOT_COMPARABLE", in_words(differences))
            if info.emulated:
                return ended("NOT_COMPARABLE", f"{draft.device.id} is emulated: one pair was run, its times mean nothing")
            keep(state)
            done = after_pair(state, ended)
            if done is not None:
                return done
            state = with_look(state)
            if state.looks and state.looks[-1].pairs == len(state.kept):
                pairing.on_step(f"after {len(state.kept)} pairs: {state.looks[-1].ratio - 1:+.1%}")
                decision = decide(state.looks[-1], state.rule, state.family) if trusted(state) else None
                if decision is not None:
                    return ended(decision, sentence(decision, state))
            if len(state.kept) >= state.rule.looks[-1]:
                return at_the_end(state, ended)
    except EdgekitError as error:
        return ended("BROKEN_OFF", str(error), notes=(*state.notes, *([f"try: {error.hint}"] if error.hint else [])))


Ended = Callable[..., GateResult]


def after_pair(state: GateResult, ended: Ended) -> GateResult | None:
    """The end of a gate whose pairs are dropped too often."""
    dropped = len(state.pairs) - len(state.kept)
    if hopeless(dropped, state.rule):
        last = next(pair.dropped for pair in reversed(state.pairs) if pair.dropped)
        return ended(
            "INVALID",
            f"{dropped} of {len(state.pairs)} pairs were dropped, and {state.rule.max_dropped:.0%} is the most; "
            f"the last because: {last}",
        )
    return None


def with_look(state: GateResult) -> GateResult:
    """The state with a look when one is due."""
    kept = state.kept
    taken = state.looks[-1].pairs if state.looks else 0
    if len(kept) not in state.rule.looks or len(kept) == taken:
        return state
    look = look_at([pair.log_ratio for pair in kept], state.rule)
    if look is None:
        return state
    looks = (*state.looks, look)
    return state.model_copy(update={"looks": looks, "p_slower": overall_p(looks, state.rule)})


def trusted(state: GateResult) -> bool:
    """True when few enough pairs were dropped to decide."""
    return not too_many_dropped(len(state.pairs) - len(state.kept), len(state.pairs), state.rule)


def at_the_end(state: GateResult, ended: Ended) -> GateResult:
    """The end of a gate that used all its pairs."""
    if not state.looks or state.looks[-1].pairs != len(state.kept):
        return ended("INVALID", "the ratios of the pairs do not vary at all: the clock is too coarse for this model")
    if not trusted(state):
        dropped = len(state.pairs) - len(state.kept)
        return ended(
            "INVALID",
            f"{dropped} of {len(state.pairs)} pairs were dropped, and {state.rule.max_dropped:.0%} is the most",
        )
    return ended("INCONCLUSIVE", sentence("INCONCLUSIVE", state))


def settle(results: Sequence[GateResult]) -> list[GateResult]:
    """The results of a whole run after Holm's correction over its gates; each keeps its own tolerance."""
    if not results:
        return []
    rejected = holm([result.p_slower for result in results], min(result.rule.alpha for result in results))
    settled = []
    for result, slower in zip(results, rejected, strict=True):
        if result.status in ("INCONCLUSIVE", "FAIL", "PASS"):
            # A gate that failed alone did so at a level that Holm's procedure rejects as well.
            status = "FAIL" if result.status == "FAIL" else final_decision(result.looks, result.rule, slower)
            if status != result.status:
                result = result.model_copy(update={"status": status, "reason": sentence(status, result)})
        settled.append(result)
    return settled


def in_words(differences: Sequence[Difference]) -> str:
    """What is not the same, in a sentence."""
    return "; ".join(f"{d.key} was {shortened(d.pinned)} and is {shortened(d.now)}" for d in differences)


def shortened(value: str, limit: int = 60) -> str:
    """A value that fits into a sentence."""
    return value if len(value) <= limit else value[: limit - 1] + "…"


def sentence(status: GateStatus, state: GateResult) -> str:
    """Why a decided gate has its status."""
    if not state.looks:
        return "no look was taken"
    look, rule = state.looks[-1], state.rule
    measured = f"{look.ratio - 1:+.1%} ({look.low - 1:+.1%} to {look.high - 1:+.1%}) after {look.pairs} pairs"
    if status == "FAIL":
        return f"slower by more than {rule.tolerance:.1%}: {measured}"
    if status == "PASS":
        return f"proven to be slower by less than {rule.delta:.1%}: {measured}"
    return f"neither slower by more than {rule.tolerance:.1%} nor by less than {rule.delta:.1%} is proven: {measured}"


def operator_changes(pairing: Pairing) -> tuple[OpChange, ...]:
    """Which operators got slower: time by type, the largest increase first, from launches of their own.

    Empty when a runtime cannot tell.

    Raises:
        ToolError: the device is gone.
    """
    totals: dict[Role, dict[str, tuple[int, int]]] = {}
    for role in pairing.sides:
        pairing.on_step(f"operator times of the {role}")
        per_op = pairing.ask("per_op", role)["per_op"]
        if per_op is None:
            return ()
        found = totals.setdefault(role, {})
        for op in per_op:
            time_ns, count = found.get(op["type"], (0, 0))
            found[op["type"]] = (time_ns + op["ns"], count + 1)
    old, new = totals["baseline"], totals["candidate"]
    changes = [
        OpChange(
            type=kind,
            baseline_ns=old.get(kind, (0, 0))[0],
            candidate_ns=new.get(kind, (0, 0))[0],
            baseline_count=old.get(kind, (0, 0))[1],
            candidate_count=new.get(kind, (0, 0))[1],
        )
        for kind in {**old, **new}
    ]
    return tuple(sorted(changes, key=lambda change: change.baseline_ns - change.candidate_ns))
