"""Read the gauges of batteries."""

from __future__ import annotations

import glob
import os
import shutil
import time
from typing import Dict

from ..protocol import Json
from ..reading import read_text, whole
from .dumpsys import look_at_dumpsys, said_by_dumpsys

GAUGE_FILES = {"voltage": ("voltage_now",), "power": ("power_now",), "current": ("current_now",),
               "energy": ("energy_now",), "charge": ("charge_now", "charge_counter")}  # fmt: skip
SUPPLY_FILES = ["type", "scope", "online", "status"] + [file for files in GAUGE_FILES.values() for file in files]
QUANTITIES = ("power", "current", "energy", "charge")


def supplies() -> Dict[str, Dict[str, str]]:
    """What the system tells of batteries and chargers now: by name, the SUPPLY_FILES that can be read."""
    found: Dict[str, Dict[str, str]] = {}
    for folder in sorted(glob.glob("/sys/class/power_supply/*")):
        told = {file: read_text(os.path.join(folder, file)) for file in SUPPLY_FILES}
        found[os.path.basename(folder)] = {file: text for file, text in told.items() if text is not None}
    return found


def looks_of(told: Dict[str, Dict[str, str]], t_ns: int) -> Dict[str, Json]:
    """What every battery of :func:`supplies` shows, by name: numbers of GAUGE_FILES, status, time, outside power."""
    plugged = [
        name for name, files in told.items() if files.get("type") != "Battery" and files.get("online", "0") != "0"
    ]
    found: Dict[str, Json] = {}
    for supply, files in told.items():
        if files.get("type") != "Battery" or files.get("scope") == "Device":  # that is a mouse's
            continue
        look: Json = {"t_ns": t_ns, "plugged": "".join(plugged[:1]), "status": files.get("status")}
        for name, places in GAUGE_FILES.items():
            numbers = [number for number in (whole(files.get(place, "")) for place in places) if number is not None]
            look[name] = numbers[0] if numbers else None
        found[supply] = look
    return found


def look_at_gauges() -> Dict[str, Json]:
    """The readings of every battery, by name; Android's battery service is asked when the files show nothing."""
    found = looks_of(supplies(), time.perf_counter_ns())
    if tells(found) or not shutil.which("dumpsys"):
        return found
    return look_at_dumpsys(said_by_dumpsys(), time.perf_counter_ns()) or found


def tells(looks: Dict[str, Json]) -> bool:
    """True when a battery shows something to measure by."""
    return any(look[name] is not None for look in looks.values() for name in QUANTITIES)
