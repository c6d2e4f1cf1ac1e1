"""The gate on one device: pairs until the rule decides, or until it is clear that nothing can be decided."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..base.progress import Note, PartDone, Step
from ..errors import EdgekitError
from ..types import Conditions, Difference, GateResult, GateStatus, Guard, OpChange
from ..types.answers import PerOpAnswer
from .pairs import Pairing, Role, orders
from .rule import decide, final_decision, holm, hopeless, look_at, overall_p, too_many_dropped

Keep = Callable[[GateResult], None]
BROKEN = "the run was stopped, or its process is gone"
"""The reason in the stored result until there is a better one."""


def run_gate(draft: GateResult, pairing: Pairing, pinned: Conditions | None, plumbing: bool, keep: Keep) -> GateResult:
    """Measure pairs and decide as far as one gate can; ``settle`` then decides over all gates of the run.

    Args:
        draft: what is known before; its status is BROKEN_OFF, and that is what is kept until the end.
        pairing: measures the pairs.
        pinned: the conditions under which the baseline was pinned; None for a baseline that was not.
        plumbing: on an emulated device measure one pair all the same; its times are never judged.
        keep: called after each pair, so that what was measured outlives a crash.

    Returns:
        The result. A device that fails is one too: BROKEN_OFF with the pairs so far. INCONCLUSIVE until settled.
    """
    return Gate(draft, pairing, keep).run(pinned, plumbing)


class Gate:
    """One run of the gate; ``state`` grows pair by pair."""

    def __init__(self, draft: GateResult, pairing: Pairing, keep: Keep) -> None:
        """Nothing is measured before :meth:`run`."""
        self.state = draft
        self.pairing = pairing
        self.keep = keep
        self.begin = time.monotonic()

    def run(self, pinned: Conditions | None, plumbing: bool) -> GateResult:
        """See :func:`run_gate`."""
        try:
            before, info, look = self.pairing.look()
            key = self.pairing.conditions(look)
            self.change(conditions=key, emulated=info.emulated)
            differences = pinned.differences(key) if pinned else ()
            if differences:
                return self.not_comparable(differences)
            if info.emulated and not plumbing:
                return self.ended("NOT_COMPARABLE", f"{key.device} is emulated: its latency means nothing")
            return self.measure(before, key)
        except EdgekitError as error:
            if error.hint:
                self.change(notes=(*self.state.notes, f"try: {error.hint}"))
            return self.ended("BROKEN_OFF", str(error))

    def measure(self, before: Guard, key: Conditions) -> GateResult:
        """Pairs until there is a result."""
        reference_ns = before.sentinel_ns
        order = orders(self.state.seed)
        candidate_first = next(order)
        while True:
            number = len(self.state.pairs) + 1
            self.pairing.progress(Step(f"pair {number}"))
            pair, differences = self.pairing.pair(number, candidate_first, before, reference_ns, key)
            before = pair.after
            if not pair.dropped:  # else the same order again, so that the pairs that count stay balanced
                candidate_first = next(order)
            self.change(pairs=(*self.state.pairs, pair), seconds=time.monotonic() - self.begin)
            self.keep(self.state)
            told = f"pair {'kept' if not pair.dropped else 'dropped'}"
            self.pairing.progress(PartDone(told, done=len(self.state.kept), total=self.state.rule.looks[-1]))
            if differences:
                return self.not_comparable(differences)
            if self.state.emulated:
                return self.ended(
                    "NOT_COMPARABLE", f"{key.device} is emulated: one pair was run, and its times mean nothing"
                )
            done = self.judge()
            if done is not None:
                return done

    def judge(self) -> GateResult | None:
        """The result that the pairs so far allow, if any."""
        state = self.state
        kept, dropped = len(state.kept), len(state.pairs) - len(state.kept)
        if hopeless(dropped, state.rule):
            return self.too_many(dropped)
        if state.pairs[-1].dropped or kept not in state.rule.looks:
            return None
        last, trusted = kept == state.rule.looks[-1], not too_many_dropped(dropped, len(state.pairs), state.rule)
        look = look_at([pair.log_ratio for pair in state.kept], state.rule)
        if look is None:
            reason = "the ratios of the pairs do not vary at all: the clock is too coarse for this model"
            return self.ended("INVALID", reason) if last else None
        looks = (*state.looks, look)
        self.change(looks=looks, p_slower=overall_p(looks, state.rule))
        self.pairing.progress(
            Note(f"after {kept} pairs: {look.ratio - 1:+.1%} ({look.low - 1:+.1%} to {look.high - 1:+.1%})")
        )
        if not trusted:
            return self.too_many(dropped) if last else None
        decision = decide(look, state.rule, state.family) or ("INCONCLUSIVE" if last else None)
        return self.ended(decision, sentence(decision, self.state)) if decision else None

    def change(self, **fields: object) -> None:
        """Set fields of the state."""
        self.state = self.state.model_copy(update=fields)

    def ended(self, status: GateStatus, reason: str) -> GateResult:
        """The state as a result."""
        self.change(status=status, reason=reason, seconds=time.monotonic() - self.begin)
        return self.state

    def not_comparable(self, differences: tuple[Difference, ...]) -> GateResult:
        """The result of other conditions."""
        self.change(differences=differences)
        return self.ended("NOT_COMPARABLE", in_words(differences))

    def too_many(self, dropped: int) -> GateResult:
        """The result of a disturbed device: nothing is proven, or its answers cannot be used."""
        lost = [pair for pair in self.state.pairs if pair.dropped]
        disturbed = sum(pair.disturbed for pair in lost)
        were = "disturbed" if disturbed == len(lost) else "dropped"
        return self.ended(
            "INCONCLUSIVE" if disturbed > len(lost) / 2 else "INVALID",
            f"{dropped} of {len(self.state.pairs)} pairs were {were}, more than {self.state.rule.max_dropped:.0%} of "
            f"all that may be; the last because: {lost[-1].dropped}",
        )


def settle(results: Sequence[GateResult]) -> list[GateResult]:
    """The results of a whole run after Holm's correction over its gates; each keeps its own tolerance."""
    if not results:
        return []
    rejected = holm([result.p_slower for result in results], min(result.rule.alpha for result in results))
    return [settled(result, slower) for result, slower in zip(results, rejected, strict=True)]


def settled(result: GateResult, rejected: bool) -> GateResult:
    """One result after the correction; ``rejected`` is what Holm's procedure says of "not slower than tolerated"."""
    # A gate that failed alone did so at a level that Holm's procedure rejects as well; the others had nothing decided.
    # Nor does the correction make a verdict of a run whose device was disturbed, or of another limit's.
    dropped = len(result.pairs) - len(result.kept)
    undone = result.decided_by != "latency" or too_many_dropped(dropped, len(result.pairs), result.rule)
    if undone or result.status not in ("INCONCLUSIVE", "PASS"):
        return result
    status = final_decision(result.looks, result.rule, rejected)
    if status == result.status:
        return result
    return result.model_copy(update={"status": status, "reason": sentence(status, result)})


def in_words(differences: Sequence[Difference]) -> str:
    """What is not the same, in a sentence."""
    return "; ".join(f"{d.key} was {shortened(d.pinned)} and is {shortened(d.now)}" for d in differences)


def shortened(value: str, limit: int = 60) -> str:
    """A value that fits into a sentence."""
    return value if len(value) <= limit else value[: limit - 1] + "…"


def sentence(status: GateStatus, state: GateResult) -> str:
    """Why a decided gate has its status."""
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
        per_op = pairing.ask(PerOpAnswer, role).per_op
        if per_op is None:
            return ()
        found = totals.setdefault(role, {})
        for op in per_op:
            time_ns, count = found.get(op.type, (0, 0))
            found[op.type] = (time_ns + op.ns, count + 1)
    old, new = totals["baseline"], totals["candidate"]
    changes = []
    for kind in {**old, **new}:
        (old_ns, old_count), (new_ns, new_count) = old.get(kind, (0, 0)), new.get(kind, (0, 0))
        changes.append(
            OpChange(
                type=kind,
                baseline_ns=old_ns,
                candidate_ns=new_ns,
                baseline_count=old_count,
                candidate_count=new_count,
            )
        )
    return tuple(sorted(changes, key=lambda change: change.baseline_ns - change.candidate_ns))
