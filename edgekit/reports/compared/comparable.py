"""Whether the latencies of two measurements may be held against each other: everything but the artifact must agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import NotComparableError
from ...types import Ground, Measurement, Summary

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Difference:
    """A condition in which two measurements differ, with the value of each."""

    key: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.key}: {self.a} against {self.b}"


def conditions(m: Measurement) -> dict[str, str]:
    """What must agree, by name, as text; a reading that the device does not offer is ``unknown``."""
    limits = m.state_before.max_clock_khz
    return {
        "device": m.device.id,
        "cpu": f"{m.info.cpu}, {m.info.machine}, {m.info.cores} cores",
        "kernel": m.info.system,
        "governor": distinct(m.state_before.governor),
        "clock limit": UNKNOWN if not limits else f"{max(limits.values()) / 1000:.0f} MHz",
        "accelerator": m.accelerator,
        "threads": str(m.threads),
        "pinned cores": "none" if m.pinned is None else ", ".join(map(str, m.pinned.cpus)),
        "batch": str(m.batch),
    }


def of_the_runtime(m: Measurement) -> dict[str, str]:
    """What must agree as well when both measurements are of one runtime."""
    return {
        "runtime version": f"{m.runtime} {m.runtime_version}",
        "runtime settings": ", ".join(f"{key}={value}" for key, value in sorted(m.settings.items())) or "none",
    }


def distinct(found: Mapping[str, str] | None) -> str:
    """The distinct values of a reading per CPU."""
    return ", ".join(sorted(set(found.values()))) if found else UNKNOWN


def ground(m: Measurement | Summary) -> Ground:
    """Everything that must agree between a measurement and another one."""
    if isinstance(m, Summary):
        return m.ground
    return Ground(m.emulated, m.runtime, tuple(conditions(m).items()), tuple(of_the_runtime(m).items()))


def differences(a: Measurement | Summary, b: Measurement | Summary) -> list[Difference]:
    """What keeps two measurements apart; none when their latencies may be compared.

    Two runtimes may be compared with each other, but not two versions of one: the first is a choice, the second a
    change of conditions. An emulated latency is never comparable, not even with itself.
    """
    words = {True: "emulated", False: "real"}
    one, other = ground(a), ground(b)
    if one.emulated or other.emulated:
        return [Difference("hardware", words[one.emulated], words[other.emulated])]
    mine, theirs = one.conditions, other.conditions
    if one.runtime == other.runtime:
        mine, theirs = mine + one.of_the_runtime, theirs + other.of_the_runtime
    return [Difference(key, x, y) for (key, x), (_, y) in zip(mine, theirs, strict=True) if x != y]


def require_comparable(a: Measurement, b: Measurement) -> None:
    """Refuse two measurements that were made under different conditions.

    Raises:
        NotComparableError: names every condition that differs.
    """
    found = differences(a, b)
    if not found:
        return
    hint = "measure both anew, or their artifacts in turn: edgekit compare FOLDER FOLDER --device NAME"
    if a.emulated or b.emulated:
        hint = "an emulated latency means nothing: measure on the board itself"
    raise NotComparableError(f"not comparable: {'; '.join(map(str, found))}", hint)
