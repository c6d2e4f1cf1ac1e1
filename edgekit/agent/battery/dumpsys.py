"""The battery, as Android's battery service reports it."""

from __future__ import annotations

import re
import subprocess
from typing import Dict, Optional

from ..protocol import Json
from ..reading import whole


def said_by_dumpsys() -> str:
    """The report of Android's battery service, which any shell may ask when the files of /sys are closed."""
    try:
        asked = subprocess.run(
            ["dumpsys", "battery"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.decode(errors="replace")


def look_at_dumpsys(said: str, t_ns: int) -> Dict[str, Json]:
    """A look, as of :func:`look_at_gauges`, from the text of ``dumpsys battery``; empty when it holds none."""
    rows = [(key.strip().lower(), value.strip()) for key, _, value in (row.partition(":") for row in said.splitlines())]
    fields = dict(row for row in rows if re.match(r"[a-z ]+$", row[0]) and len(row[1].split()) == 1)
    if "status" not in fields or fields.get("present", "true") == "false":
        return {}

    def number(name: str) -> Optional[int]:
        return whole(fields.get(name, ""))

    words = {2: "Charging", 3: "Discharging", 4: "Not charging", 5: "Full"}
    plugged = [
        name[: -len(" powered")] for name, value in fields.items() if name.endswith(" powered") and value == "true"
    ]
    return {"battery": {"t_ns": t_ns, "plugged": "".join(plugged[:1]), "power": None, "energy": None,
                        "status": words.get(number("status") or 0, "Unknown"), "voltage": number("voltage"),
                        "current": number("current now"), "charge": number("charge counter")}}  # fmt: skip
