"""The machine's identity, and its free space."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys

from .cores import BEFORE_PINNING, affinity
from .cpu import describe_cpu, isa_flags
from .protocol import Json
from .reading import read_text

EMULATION_MARKER = "/etc/edgekit-emulated"


def machine() -> Json:
    """The fields of ``DeviceInfo``."""
    cpuinfo = read_text("/proc/cpuinfo") or ""
    board = read_text("/proc/device-tree/model") or read_text("/sys/firmware/devicetree/base/model")
    memory = re.search(r"^MemTotal:\s*(\d+) kB", read_text("/proc/meminfo") or "", re.MULTILINE)
    usable = len(BEFORE_PINNING or affinity() or ()) or os.cpu_count()
    return {
        "machine": platform.machine(),
        "cpu": describe_cpu(cpuinfo, board) or platform.processor() or platform.machine(),
        "cores": usable or 1,
        "system": platform.platform(),
        "python": platform.python_version(),
        "isa": isa_flags(cpuinfo),
        "memory_bytes": int(memory.group(1)) * 1024 if memory else None,
        "emulated": os.path.exists(EMULATION_MARKER),
    }


def room() -> Json:
    """Bytes free on the disk that holds the program which runs, and of memory."""
    available = re.search(r"^MemAvailable:\s*(\d+) kB", read_text("/proc/meminfo") or "", re.MULTILINE)
    return {
        "disk_bytes": shutil.disk_usage(os.path.dirname(os.path.abspath(sys.argv[0]))).free,
        "memory_bytes": int(available.group(1)) * 1024 if available else None,
    }
