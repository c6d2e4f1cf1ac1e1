"""The machine's present state: load, clocks, temperatures, throttling."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import time
from typing import Dict, List, Optional

from .protocol import Json
from .reading import per_cpu, read_int, read_text


def temperatures() -> Optional[Dict[str, float]]:
    """Thermal zones, degrees Celsius, by zone type; two zones of one type get their zone's number as well."""
    found: Dict[str, float] = {}
    for zone in sorted(glob.glob("/sys/class/thermal/thermal_zone*")):
        milli = read_int(os.path.join(zone, "temp"))
        if milli is not None:
            number = zone[len("/sys/class/thermal/thermal_zone") :]
            name = read_text(os.path.join(zone, "type")) or "zone" + number
            found[name if name not in found else name + "-" + number] = milli / 1000.0
    return found or None


THROTTLE_BITS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}


def decode_throttled(bits: int) -> List[str]:
    """The Raspberry Pi firmware's throttle bits in words; bits 16 to 19 are the same since boot."""
    now = [word for bit, word in THROTTLE_BITS.items() if bits >> bit & 1]
    return now + [word + " since boot" for bit, word in THROTTLE_BITS.items() if bits >> (bit + 16) & 1]


def throttled() -> Optional[List[str]]:
    """The firmware's throttling flags: [] when there are none, None when the firmware cannot be asked."""
    text = read_text("/sys/devices/platform/soc/soc:firmware/get_throttled")
    if text is None and shutil.which("vcgencmd"):
        try:
            answer = subprocess.run(
                ["vcgencmd", "get_throttled"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        text = answer.stdout.decode(errors="replace").strip().rpartition("=")[2]
    if text is None or not re.fullmatch(r"(0x)?[0-9a-fA-F]+", text):
        return None
    return decode_throttled(int(text, 16))


def state(request: Optional[Json] = None) -> Json:
    """``state``: one look at the device, in the fields of ``DeviceState``."""
    return {
        "unix_time": time.time(),
        "load_1m": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "clock_khz": per_cpu("scaling_cur_freq", read_int),
        "max_clock_khz": per_cpu("scaling_max_freq", read_int),
        "governor": per_cpu("scaling_governor", read_text),
        "temperature_c": temperatures(),
        "throttled": throttled(),
    }
