"""The target class of a CPU: which int8 instructions it has decides how int8 must be made."""

from __future__ import annotations

import platform
from pathlib import Path

from ..errors import ToolError
from ..types import TargetClass

CPUINFO = Path("/proc/cpuinfo")
HALF_FLAGS = frozenset({"asimdhp", "avx512_fp16"})
"""Features of CPUs that compute vectors of float16, sums included; others widen them to float32 first."""


def host_target(machine: str | None = None, cpuinfo: str | None = None) -> TargetClass:
    """The class of this machine, or of the given ``platform.machine()`` and ``/proc/cpuinfo`` text.

    Raises:
        ToolError: neither x86-64 nor 64-bit ARM.
    """
    machine = (machine or platform.machine()).lower()
    flags = cpu_flags(CPUINFO.read_text() if cpuinfo is None and CPUINFO.exists() else cpuinfo or "")
    if machine in ("x86_64", "amd64"):
        return "x86-vnni" if flags & {"avx512_vnni", "avx_vnni"} else "x86-avx2"
    if machine in ("aarch64", "arm64"):
        return "armv8.2-dot" if "asimddp" in flags else "armv8.0"
    raise ToolError(f"no target class is known for the machine {machine!r}", "name one with --target")


def cpu_flags(cpuinfo: str) -> set[str]:
    """The feature words of a ``/proc/cpuinfo`` text (x86 ``flags``, ARM ``Features``)."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return set(value.split())
    return set()


def sums_in_half(cpuinfo: str | None = None) -> bool:
    """Whether this machine, or that of the given ``/proc/cpuinfo`` text, sums float16 in float16."""
    if cpuinfo is None:
        cpuinfo = CPUINFO.read_text() if CPUINFO.exists() else ""
    return bool(cpu_flags(cpuinfo) & HALF_FLAGS)


def saturates(target: TargetClass) -> bool:
    """True when u8 x s8 products are summed in 16 bits that overflow: int8 weights then have to be smaller.

    AVX2 and AVX-512 without VNNI (``vpmaddubsw``); VNNI and ARM sum in 32 bits.
    """
    return target == "x86-avx2"
