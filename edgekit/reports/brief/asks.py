"""What readers ask next, each with the one command that answers it, in the names of this report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from ...types import PACKAGES_OF, Measurement
from ...types.commands import is_own, values_of, words_of
from ..summary import Group, Row

SIMULATED_AS = {"rpi3": "sim-a53", "rpi4": "sim-rpi4", "rpi5": "sim-rpi5"}
"""The simulated device that counts for a board."""
ESTIMATE = "measure on the board itself, or estimate: edgekit profile ARTIFACT --device sim-rpi4"
"""What helps where an emulated latency would mean nothing."""


@dataclass(frozen=True)
class Ask:
    """A question and its command; two where the second needs the first."""

    question: str
    commands: tuple[str, ...]


def ask(question: str, *commands: str) -> Ask:
    """A question and what answers it."""
    return Ask(question, commands)


def asks(group: Group) -> list[Ask]:
    """The questions about a device; of an emulated one, how long the board itself would take.

    The network and the artifact that they name are those of the fastest stable measurement; what a report cannot know
    stands in capitals.
    """
    if group.emulated:
        return asks_of_emulated(group)
    ours = [row for row in group.rows if row.measurement.parity_cosine is not None]
    rows = sorted(ours or group.rows, key=lambda row: row.measurement.p50_ms)
    first = next((row for row in rows if row.measurement.verdict.name == "stable"), rows[0]).measurement
    model, device, where = shlex.quote(first.model), shlex.quote(group.device), device_option(group)
    artifact = shlex.quote(f"artifacts/{first.model}/{first.profile}")
    per_op = any(row.measurement.per_op for row in rows)
    profile = f"edgekit profile {artifact}{where}"
    fits = ask("which one fits my limits?", f"edgekit pick --device {device} --max-latency-ms MS --max-size-mb MB")
    right = ask("is this figure right?", "edgekit audit-run " + shlex.quote(f"{group.device}/{first.key}"))
    if not ours:  # files of others, whose paths a report does not know
        return [fits, right]
    return [
        fits,
        ask("which runtime for it, and what else does it cost?", f"edgekit compare {model}{where}"),
        ask("what does it lose in accuracy?", evaluate_command(artifact, first.weights_kind, first.export_command)),
        ask(
            "what in its shape costs time?" if per_op else "where does the time go?",
            *([] if per_op else [f"edgekit profile {model}{where} --per-op"]),
            f"edgekit lint {lint_name(first)} --device {device}",
        ),
        *asks_of_transport(first, model, where, profile, rows),
        ask("will a change make it slower?", f"edgekit gate --update {model}{where}", f"edgekit gate {model}{where}"),
        right,
    ]


def asks_of_emulated(group: Group) -> list[Ask]:
    """How long the board would take that the device stands for, where one is simulated."""
    m = group.rows[0].measurement
    simulated = SIMULATED_AS.get(m.device.board or "")
    if simulated is None or m.parity_cosine is None:
        return []
    artifact = shlex.quote(f"artifacts/{m.model}/{m.profile}")
    return [ask("how long would the board take?", f"edgekit profile {artifact} --device {simulated}")]


def asks_of_transport(first: Measurement, model: str, where: str, profile: str, rows: Sequence[Row]) -> list[Ask]:
    """What is asked of a phone, of a board, of a box."""
    found = []
    phone = first.device.transport == "adb"
    if phone:
        full = f"edgekit profile {model}{where} --accelerator gpu --require-full-delegation"
        found.append(ask("does the GPU take all of it?", full))
    if first.device.transport != "local" and not any(row.measurement.sustained for row in rows):
        found.append(ask("does it stay this fast when it is warm?", f"{profile} --sustained 10m"))
    if not phone and not any(row.measurement.throughput for row in rows):
        found.append(ask("how many a second, several at once?", f"{profile} --streams 1,2,4"))
    if not phone:
        package = PACKAGES_OF[first.runtime][0]
        old, new = f"{package}=={first.runtime_version}", f"{package}==NEW"
        upgrade = f"edgekit gate {model}{where} --runtime-a {shlex.quote(old)} --runtime-b {new}"
        found.append(ask("may I upgrade the runtime?", upgrade))
    return found


def lint_name(m: Measurement) -> str:
    """How ``lint`` takes the network: a model of edgekit's by its id, a user's own by its code and inputs."""
    words = words_of(m.export_command)
    if not words or not is_own(words[0]):
        return shlex.quote(m.model)
    return " ".join([shlex.quote(words[0]), *(f"--input {shlex.quote(one)}" for one in values_of(words, "--input"))])


def evaluate_command(artifact: str, weights_kind: str, made_by: str = "") -> str:
    """The command that says what an artifact loses in accuracy; weights of a file have to be given again.

    Args:
        artifact: its folder, as a shell reads it.
        weights_kind: of its provenance.
        made_by: the command of its export: that of a network of a user's own names no weights.
    """
    weights = ""
    if weights_kind == "file":
        words = words_of(made_by)
        given = values_of(words, "--weights", "-w")
        weights = f" --weights {shlex.quote(given[0])}" if given else "" if words else " --weights FILE"
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
