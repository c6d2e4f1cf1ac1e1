"""Pairs of one artifact under two versions of its runtime: each side in an environment of its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..artifacts.outputs import compare_output, fair_bounds
from ..base.images.pixels import from_output
from ..base.progress import Step, telling
from ..base.scratch import scratch_folder
from ..bench.launch import Kind, ask_agent
from ..bench.session import Session, model_files
from ..catalog import profile_for
from ..types import Conditions, Parity
from ..types.answers import GuardAnswer, InspectAnswer, Node, OutputsAnswer
from ..verify.sets_of_inputs import load_arrays, random_inputs, save_arrays
from .pairs import Pairing, Role, Side

SETS = 8
"""Sets of random inputs on which the outputs are compared."""


@dataclass
class RuntimePairing(Pairing):
    """Pairs whose candidate side runs in another environment.

    Attributes:
        other: the candidate's session; ``session`` is the baseline's, and looks at the device.
        facts: what each version makes of the artifact, by role, once it was asked.
    """

    other: Session | None = None
    facts: dict[Role, InspectAnswer] = field(default_factory=dict)

    def session_of(self, role: Role) -> Session:
        """Where a side runs."""
        assert self.other is not None
        return self.other if role == "candidate" else self.session

    def ask(self, answer: type[Kind], role: Role, **more: Any) -> Kind:
        """One launch of the agent about one side, in its environment.

        Raises:
            ToolError: it crashed, ran out of time, or the runtime cannot be imported there.
        """
        told = self.session_of(role).launch(answer, self.sides[role], telling(role, self.progress), **more)
        if isinstance(told, InspectAnswer):
            self.facts[role] = told
        return told

    def conditions(self, look: GuardAnswer) -> Conditions:
        """The key of the baseline's side; what the candidate's version makes of the artifact is asked too."""
        found = super().conditions(look)
        self.progress(Step("what the candidate's runtime makes of it"))
        self.ask(InspectAnswer, "candidate")
        return found

    def side(self, role: Role, key: Conditions) -> Side:
        """One measured launch, held against what its own version said of itself."""
        if role == "candidate":
            facts = self.facts["candidate"]
            key = key.model_copy(update={"runtime_version": facts.runtime_version, "settings": facts.settings})
        return super().side(role, key)


@dataclass(frozen=True)
class OutputsCompared:
    """The candidate's outputs against the baseline's, output by output."""

    parities: tuple[tuple[str, Parity], ...]

    @property
    def failures(self) -> list[str]:
        """The outputs that are too far apart, with the figures."""
        return [f"{name}: {', '.join(parity.failures)}" for name, parity in self.parities if not parity.passed]

    @property
    def words(self) -> str:
        """How near they are."""
        worst = min((parity.sqnr_db for _, parity in self.parities), default=0.0)
        largest = max((parity.max_abs for _, parity in self.parities), default=0.0)
        if largest == 0:
            return "the outputs are identical"
        return f"the outputs agree: SQNR {worst:.1f} dB, largest difference {largest:.3g}"


def compare_outputs(pairing: RuntimePairing) -> OutputsCompared:
    """Run both versions on the same random inputs and judge by the bounds that an export has to keep.

    Raises:
        ToolError: one of them fails.
    """
    artifact = pairing.sides["baseline"].artifact
    sets, source = random_inputs(artifact.inputs, SETS)
    bounds = fair_bounds(profile_for(artifact.format, artifact.precision).parity, source)
    with scratch_folder("outputs") as folder:
        given = folder / "inputs.npz"
        save_arrays(given, sets)
        expected, got = (outputs_of(pairing, role, given, folder / f"{role}.npz") for role in pairing.sides)
    parities = [
        (spec.name, compare_output(from_output(before, spec), from_output(after, spec), bounds))
        for spec, before, after in zip(artifact.outputs, expected, got, strict=True)
    ]
    return OutputsCompared(tuple(parities))


def outputs_of(pairing: RuntimePairing, role: Role, given: Path, taken: Path) -> list[Any]:
    """The outputs of one side."""
    stored, session = pairing.sides[role], pairing.session_of(role)
    pairing.progress(Step(f"outputs of the {role}"))
    transport, there = session.transport, session.transport.place(taken)
    request = {"runtime": stored.artifact.runtime, "threads": 1}
    more = {"shapes": stored.artifact.input_shapes, "outputs": there}
    what = f"running {stored.artifact.model} {stored.artifact.profile}"
    files = {"model": model_files(stored), "inputs": [given]}
    ask_agent(OutputsAnswer, transport, {**request, **more}, files, session.limits.timeout_s, what)
    transport.fetch(there, taken)
    return load_arrays(taken)


def operators_changed(pairing: RuntimePairing) -> list[str]:
    """The operators that the two versions execute differently, by type, kernel and delegate; in words."""
    counts = {role: Counter(kind_of(op) for op in facts.executed) for role, facts in pairing.facts.items()}
    before, after = counts["baseline"], counts["candidate"]
    kinds = sorted(kind for kind in {**before, **after} if before[kind] != after[kind])
    return [f"{kind}: {before[kind]} -> {after[kind]}" for kind in kinds]


def kind_of(op: Node) -> str:
    """Type of an executed operator, with its kernel and where it runs, where the runtime tells."""
    where = "in the delegate" if op.delegated else ""
    said = ", ".join(filter(None, (op.kernel, op.precision, where)))
    return f"{op.type} ({said})" if said else op.type
