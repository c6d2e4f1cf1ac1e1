"""One pair: baseline and candidate in two fresh processes, in random order, the device looked at before and after."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from ..base.progress import Progress, Step, silent, telling
from ..bench.answers import SAME_VERSION
from ..bench.asked_cores import cores_request
from ..bench.launch import Kind, ask_agent
from ..bench.session import Session
from ..errors import ToolError
from ..types import Conditions, Contention, DeviceInfo, DeviceState, Difference, Guard, Pair, Stored
from ..types.answers import BenchAnswer, GuardAnswer, InspectAnswer, Node
from .guards import Guards, clock_doubt, doubts, neighbours, uneven_limits

Role = Literal["baseline", "candidate"]
LEAST_SAMPLES = 2
"""A median of fewer says nothing of what it would be the next time."""


@dataclass(frozen=True)
class Side:
    """What one launch answered; ``problem`` says why it cannot be used."""

    samples_ns: tuple[int, ...]
    problem: str
    differences: tuple[Difference, ...] = ()
    contention: Contention | None = None
    cold_ns: int | None = None
    states: tuple[DeviceState, DeviceState] | None = None


@dataclass
class Pairing:
    """Measures pairs of two artifacts on one device.

    Attributes:
        session: where and how long; its ``limits`` hold for each launch.
        sides: the artifact of each role.
        handicap: what slows the candidate on purpose, see the agent's ``bench``.
        guards: what drops a pair.
        progress: receives an event as each step begins.
    """

    session: Session
    sides: dict[Role, Stored]
    handicap: dict[str, int | bool] = field(default_factory=dict)
    guards: Guards = field(default_factory=Guards)
    progress: Progress = silent

    def ask(self, answer: type[Kind], role: Role, **more: Any) -> Kind:
        """One launch of the agent about one side, for the command that ``answer`` belongs to.

        Raises:
            ToolError: it crashed, ran out of time, or the device is gone.
        """
        return self.session.launch(answer, self.sides[role], telling(role, self.progress), **more)

    def ask_device(self) -> GuardAnswer:
        """One launch of the agent about the device itself.

        Raises:
            ToolError: as :meth:`ask`.
        """
        limit_s = self.session.limits.timeout_s
        request = {"cores": cores_request(self.session.cores)}
        return ask_agent(GuardAnswer, self.session.transport, request, {}, limit_s, "looking at the device")

    def look(self) -> tuple[Guard, DeviceInfo, GuardAnswer]:
        """The device now: its guard, what it is, and the agent's whole answer.

        Raises:
            ToolError: the device cannot be asked, or answers in another version's words.
        """
        answer = self.ask_device()
        return Guard(state=answer.state, sentinel_ns=answer.sentinel_ns), answer.info, answer

    def conditions(self, look: GuardAnswer) -> Conditions:
        """The key under which this device compares now; the baseline is loaded once to see what becomes of it.

        Raises:
            ToolError: the baseline cannot be loaded there, or the agent is of another version.
        """
        artifact = self.sides["baseline"].artifact
        self.progress(Step("what the runtime makes of the baseline"))
        facts = self.ask(InspectAnswer, "baseline")
        info = look.info
        try:
            return Conditions(
                device=self.session.device.id,
                cpu=info.cpu,
                machine=info.machine,
                isa=info.isa,
                cores=info.cores,
                system=info.system,
                governor=look.state.governor,
                max_clock_khz=look.state.max_clock_khz,
                min_clock_khz=look.min_clock_khz,
                affinity=look.affinity,
                threads=self.session.threads,
                runtime=artifact.runtime,
                runtime_version=facts.runtime_version,
                accelerator="cpu",
                settings=facts.settings,
                delegated_ops=operators_digest(facts),
                baseline_sha256=artifact.sha256,
            )
        except ValidationError as error:
            raise ToolError(
                f"what the agent says of the device does not fit this edgekit: {error}", SAME_VERSION
            ) from error

    def side(self, role: Role, key: Conditions) -> Side:
        """One measured launch of one side.

        Raises:
            ToolError: it crashed, ran out of time, or the device is gone.
        """
        more: dict[str, Any] = {"handicap": self.handicap} if role == "candidate" and self.handicap else {}
        answer = self.ask(BenchAnswer, role, **self.session.limits.request(), **more)
        samples = list(answer.samples_ns)
        timed = [*samples, *answer.warmup_ns, answer.load_ns, answer.first_inference_ns]
        wall_s = answer.state_after.unix_time - answer.state_before.unix_time
        seen: dict[str, Any] = {"runtime_version": answer.runtime_version, "settings": answer.settings}
        problem = ""
        if len(samples) < LEAST_SAMPLES:
            problem = f"{len(samples)} sample{'s' if len(samples) != 1 else ''}, fewer than {LEAST_SAMPLES}"
        problem = problem or clock_doubt(samples, sum(timed) / 1e9, wall_s)
        if more:
            del seen["settings"]  # a handicap may change them, that is its purpose
        mine = {name: getattr(key, name) for name in seen}
        differences = tuple(
            Difference(key=name, pinned=json.dumps(mine[name]), now=json.dumps(seen[name]))
            for name in seen
            if seen[name] != mine[name]
        )
        kept, said = () if problem else tuple(samples), f"{role}: {problem}" if problem else ""
        states = answer.state_before, answer.state_after
        cold_ns = answer.load_ns + answer.first_inference_ns
        return Side(kept, said, differences, answer.contention, cold_ns, states)

    def pair(
        self, number: int, candidate_first: bool, before: Guard, reference_ns: int, key: Conditions
    ) -> tuple[Pair, tuple[Difference, ...]]:
        """One pair, and in what its launches differ from the conditions.

        Args:
            number: of the pair.
            candidate_first: the order.
            before: the look that ended the last pair.
            reference_ns: the sentinel of the run's beginning.
            key: what every launch must show.
        """
        order: tuple[Role, Role] = ("candidate", "baseline") if candidate_first else ("baseline", "candidate")
        taken = {role: self.side(role, key) for role in order}
        after, _, _ = self.look()
        unusable = [taken[role].problem for role in order if taken[role].problem]
        threads = self.session.threads
        seen = doubts(before, after, reference_ns, threads, key.cores, self.guards)
        seen += neighbours({role: taken[role].contention for role in order}, threads, self.guards)
        if not seen:  # what holds for the pair as a whole needs no saying twice
            seen = uneven_limits({role: states for role in order if (states := taken[role].states) is not None})
        found = Pair(
            number=number,
            candidate_first=candidate_first,
            baseline_ns=taken["baseline"].samples_ns,
            candidate_ns=taken["candidate"].samples_ns,
            dropped="; ".join((*unusable, *seen)),
            disturbed=bool(seen) and not unusable,
            before=before,
            after=after,
            baseline_cold_ns=taken["baseline"].cold_ns,
            candidate_cold_ns=taken["candidate"].cold_ns,
            baseline_contention=taken["baseline"].contention,
            candidate_contention=taken["candidate"].contention,
        )
        return found, tuple(d for role in order for d in taken[role].differences)


def operators_digest(facts: InspectAnswer) -> str:
    """Digest of which operators are executed, where and by which kernel; what a runtime does not tell is null."""
    executed = [[told(op, name) for name in ("type", "delegated", "kernel", "precision")] for op in facts.executed]
    delegate = facts.delegate and facts.delegate.to_plain()
    return hashlib.sha256(json.dumps([executed, delegate], sort_keys=True).encode()).hexdigest()


def told(op: Node, name: str) -> object:
    """A field of an operator as its runtime told it; None where it did not."""
    return getattr(op, name) if name in op.model_fields_set else None


def orders(seed: int) -> Iterator[bool]:
    """Endless orders, True for the candidate first: of each two pairs one each way, which first is drawn.

    So at every look both orders are equally frequent, and a drift or an effect of the second place cancels out.
    """
    rng = random.Random(seed)  # noqa: S311 - no secret
    while True:
        first = rng.random() < 0.5
        yield first
        yield not first
