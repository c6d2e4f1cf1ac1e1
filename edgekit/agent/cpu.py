"""The CPU by ``/proc/cpuinfo``: its name, and the instruction sets that decide which kernels a runtime takes."""

from __future__ import annotations

import re
from typing import List, Optional

# Flags that decide which kernels a runtime picks.
ISA = [
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "avx_vnni", "amx_int8", "amx_bf16", "neon", "asimd", "asimdhp", "fphp", "asimddp", "i8mm", "bf16", "sve", "sve2",
]  # fmt: skip
ARM_PARTS = {
    "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55", "0xd07": "Cortex-A57", "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76", "0xd0c": "Neoverse-N1", "0xd0d": "Cortex-A77",
    "0xd40": "Neoverse-V1", "0xd41": "Cortex-A78", "0xd44": "Cortex-X1", "0xd46": "Cortex-A510", "0xd47": "Cortex-A710",
    "0xd48": "Cortex-X2", "0xd49": "Neoverse-N2", "0xd4d": "Cortex-A715", "0xd4e": "Cortex-X3",
}  # fmt: skip


def describe_cpu(cpuinfo: str, board: Optional[str]) -> Optional[str]:
    """The CPU in words from ``/proc/cpuinfo``: its model name, or the board and its ARM cores."""
    fields = [(k.strip(), v.strip()) for k, _, v in (line.partition(":") for line in cpuinfo.splitlines())]
    parts = [ARM_PARTS.get(v.lower(), "ARM part " + v) for k, v in fields if k == "CPU part"]
    arm = " + ".join("%d x %s" % (parts.count(name), name) for name in sorted(set(parts)))
    names = [v for key in ("model name", "Model", "Hardware") for k, v in fields if k == key]
    words = [word for word in (board or (names[0] if names else None), arm) if word]
    return ", ".join(words) or None


def isa_flags(cpuinfo: str) -> List[str]:
    """Those of ``ISA`` that the first CPU lists."""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    flags = set(found.group(1).split()) if found else set()
    return [flag for flag in ISA if flag in flags]
