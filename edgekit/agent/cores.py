"""Which cores the work may run on."""

from __future__ import annotations

import os
import platform
from typing import Any, Dict, List, Optional, Sequence

from .protocol import AgentError, Json
from .reading import read_int

SAME_KIND = 0.9
"""Cores of one kind differ by less: the favoured ones of a desktop CPU turbo some percent higher."""


def strengths(cpus: Sequence[int]) -> Dict[int, int]:
    """The capacity of each CPU: the scheduler's ``cpu_capacity``, else its highest clock; empty when not known."""
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        told = {cpu: read_int("/sys/devices/system/cpu/cpu%d/%s" % (cpu, name)) for cpu in cpus}
        found = {cpu: value for cpu, value in told.items() if value is not None}
        if found and len(found) == len(told):
            return found
    return {}


def chosen_cores(wanted: Any, usable: Sequence[int], strength: Dict[int, int]) -> List[int]:
    """The CPUs that ``wanted`` means: "big", "little" or a list of numbers.

    Big are those nearly as strong as the strongest, so all where all are of one kind; little the weakest that are not
    big. Raises AgentError when the machine does not tell, or has no such cores.
    """
    have = ", ".join(map(str, usable))
    if isinstance(wanted, list) and wanted and all(type(cpu) is int for cpu in wanted):
        missing = [str(cpu) for cpu in wanted if cpu not in usable]
        if missing:
            raise AgentError("cores", "there is no core %s here to be pinned to; there are %s" % (
                ", ".join(missing), have))  # fmt: skip
        return sorted(set(wanted))
    if wanted not in ("big", "little"):
        raise AgentError("request", "cores must be big, little or a list of numbers, got %r" % (wanted,))
    if not strength:
        raise AgentError("cores", "this machine does not tell which cores are %s (neither cpu_capacity nor cpufreq); "
                         "name them by number: there are %s" % (wanted, have))  # fmt: skip
    most, least = max(strength.values()), min(strength.values())
    if wanted == "big":
        return [cpu for cpu in usable if strength[cpu] >= most * SAME_KIND]
    if least >= most * SAME_KIND:
        raise AgentError("cores", "all cores here are of one kind (%s), so none is little" % have)
    return [cpu for cpu in usable if strength[cpu] < most * SAME_KIND and strength[cpu] * SAME_KIND <= least]


def pin(request: Json) -> None:
    """Keep this process, and the threads that it will start, on the request's ``cores``; without them do nothing.

    Raises AgentError when that cannot be, or when the request's threads would have to share a core.
    """
    wanted = request.get("cores")
    if wanted is None:
        return
    if not hasattr(os, "sched_setaffinity"):
        raise AgentError("cores", "%s cannot pin a process to cores" % platform.system())
    usable = sorted(os.sched_getaffinity(0))
    cores = chosen_cores(wanted, usable, strengths(usable))
    threads = request.get("threads", 1)
    if isinstance(threads, int) and threads > len(cores):
        raise AgentError("cores", "%d threads do not fit on %d pinned core%s (%s)" % (
            threads, len(cores), "" if len(cores) == 1 else "s", ", ".join(map(str, cores))))  # fmt: skip
    BEFORE_PINNING[:] = usable
    os.sched_setaffinity(0, cores)


BEFORE_PINNING: List[int] = []
"""The CPUs that this process could use before :func:`pin`: what the machine is does not depend on that."""


def affinity() -> Optional[List[int]]:
    """The CPUs that this process may use, or None where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
