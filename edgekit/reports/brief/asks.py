"""What readers ask next, each with the one command that answers it, in the names of this report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from ..summary import Group, Row


@dataclass(frozen=True)
class Ask:
    """A question and its command."""

    question: str
    command: str


def asks(groups: Sequence[Group]) -> list[Ask]:
    """The questions about the first device that is not emulated; none without one.

    The network that they name is that of the fastest measurement; what a report cannot know stands in capitals.
    """
    group = next((one for one in groups if not one.emulated), None)
    if group is None:
        return []
    rows = sorted(group.rows, key=lambda row: row.measurement.p50_ms)
    first = next((row for row in rows if row.measurement.verdict.name == "stable"), rows[0]).measurement
    model, device, where = shlex.quote(first.model), shlex.quote(group.device), device_option(group)
    artifact = shlex.quote(f"artifacts/{first.model}/{first.profile}")
    evaluated = evaluate_command(artifact, first.weights_kind)
    found = [
        Ask("which one fits my limits?", f"edgekit pick --device {device} --max-latency-ms MS --max-size-mb MB"),
        Ask("which runtime for it, and what else does it cost?", f"edgekit compare {model}{where}"),
        Ask("what does it lose in accuracy?", evaluated),
        Ask("will a change make it slower?", f"edgekit gate --update {model}{where}, then edgekit gate {model}{where}"),
        Ask("may I upgrade the runtime?", f"edgekit gate {model}{where} --runtime-a PKG==OLD --runtime-b PKG==NEW"),
    ]
    if group.rows[0].measurement.device.transport == "adb":
        full = f"edgekit profile {model}{where} --accelerator gpu --require-full-delegation"
        found[-1] = Ask("does the GPU take all of it?", full)
    if not any(row.measurement.per_op for row in rows):
        found.append(
            Ask("where does the time go?", f"edgekit profile {model}{where} --per-op, then edgekit lint {model}")
        )
    return found


def evaluate_command(artifact: str, weights_kind: str) -> str:
    """The command that says what an artifact loses in accuracy; weights of a file have to be given again."""
    weights = " --weights FILE" if weights_kind == "file" else ""
    return f"edgekit evaluate {artifact} --data DATA --against float{weights}"


def device_option(group: Group) -> str:
    """The option that names the device; empty for this machine, which is the default."""
    return "" if group.device == "local" else f" --device {shlex.quote(group.device)}"


def outside(rows: Sequence[Row]) -> tuple[str, tuple[Row, ...]]:
    """Which artifacts run partly outside their delegate, and by which operators; empty where none does."""
    partly = [row for row in rows if (found := row.measurement.delegation) is not None and found.share < 1]
    counts: dict[str, int] = {}
    for row in partly:
        for kind in row.measurement.delegation.undelegated if row.measurement.delegation else ():
            counts[kind] = counts.get(kind, 0) + 1
    order = sorted(counts, key=lambda kind: (-counts[kind], kind))
    kinds = f": {', '.join(order[:4])}{' ...' if len(order) > 4 else ''}" if order else ""
    told = f"{len(partly)} of {len(rows)} artifacts run partly outside their delegate{kinds}" if partly else ""
    return told, tuple(partly)


def runtimes(rows: Sequence[Row]) -> str:
    """Which runtime is the fastest at one precision of a network, where several were measured alike; else empty."""
    alike: dict[tuple[object, ...], dict[str, float]] = {}
    for row in rows:
        m = row.measurement
        if m.verdict.name == "stable":
            key = (m.model, m.precision, m.threads, m.accelerator, m.batch)
            times = alike.setdefault(key, {})
            times[m.runtime] = min(m.p50_ms, times.get(m.runtime, m.p50_ms))
    several = [times for times in alike.values() if len(times) > 1]
    if not several:
        return ""
    wins: dict[str, int] = {}
    for times in several:
        best = min(times, key=lambda name: times[name])
        wins[best] = wins.get(best, 0) + 1
    parts = [f"{name} in {count}" for name, count in sorted(wins.items(), key=lambda item: (-item[1], item[0]))]
    cases = "network and precision" if len(several) == 1 else "networks and precisions"
    return f"of {len(several)} {cases} under several, fastest is {', '.join(parts)}"
