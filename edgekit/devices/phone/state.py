"""The state of a phone, and its identity, as its shell shows them. A missing reading is None, never zero."""

from __future__ import annotations

import re
from typing import Any

from ...agent.cpu import describe_cpu, isa_flags
from ...agent.reading import whole

MARK = "== edgekit "
LOOK = f"""
say() {{ printf '{MARK}%s\\n' "$1"; }}
say time; date +%s
say load; cat /proc/loadavg
say thermal; dumpsys thermalservice
say clocks
for folder in /sys/devices/system/cpu/cpu[0-9]*/cpufreq; do
  cpu=${{folder%/cpufreq}}
  for name in scaling_cur_freq scaling_max_freq scaling_governor; do
    value=$(cat "$folder/$name") && printf '%s %s %s\\n' "${{cpu##*/}}" "$name" "$value"
  done
done
say cpuinfo; cat /proc/cpuinfo
say meminfo; cat /proc/meminfo
say properties; getprop
say system; uname -srm
say cores; nproc
say disk; df -k /data/local/tmp
[ -e /etc/edgekit-emulated ] && say emulated
exit 0
"""
"""Prints everything at once; a denied or missing reading causes a message on stderr and leaves its part empty."""
TEMPERATURE = re.compile(r"Temperature\{mValue=(-?[0-9]{1,6}(?:\.[0-9]{1,9})?), mType=-?[0-9]+, mName=([^,]{1,100}),")
PROPERTY = re.compile(r"\[([^]]{1,200})\]: \[(.*)\]")
STATUS = {1: "light", 2: "moderate", 3: "severe", 4: "critical", 5: "emergency", 6: "shutdown"}


def sections(printed: str) -> dict[str, str]:
    """What :data:`LOOK` printed, by part."""
    parts = re.split(rf"^{MARK}(\w+)\n", printed, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def state(look: dict[str, str]) -> dict[str, Any]:
    """The fields of ``DeviceState``."""
    moment, load = look.get("time", "").strip(), look.get("load", "").split()
    rows = [line.split(" ", 2) for line in look.get("clocks", "").splitlines() if line.count(" ") >= 2]

    def clock(name: str) -> dict[str, Any] | None:
        found = {cpu: value for cpu, key, value in rows if key == name}
        if name != "scaling_governor":
            numbers = {cpu: whole(value) for cpu, value in found.items()}
            return {cpu: number for cpu, number in numbers.items() if number is not None} or None
        return found or None

    return {
        "unix_time": float(whole(moment) or 0),
        "load_1m": float(load[0]) if load and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", load[0]) else None,
        "clock_khz": clock("scaling_cur_freq"),
        "max_clock_khz": clock("scaling_max_freq"),
        "governor": clock("scaling_governor"),
        "temperature_c": temperatures(look.get("thermal", "")),
        "throttled": throttled(look.get("thermal", "")),
    }


def temperatures(thermal: str) -> dict[str, float] | None:
    """Degrees Celsius by sensor, of those after ``Current temperatures from HAL``: the cached ones above are stale."""
    _, _, current = thermal.partition("Current temperatures from HAL:")
    found: dict[str, float] = {}
    for number, line in enumerate(current.splitlines()):
        if number and line.rstrip().endswith(":") and not line[:1].isspace():  # the next part begins
            break
        found |= {name: float(value) for value, name in TEMPERATURE.findall(line)}
    return found or None


def throttled(thermal: str) -> list[str] | None:
    """The thermal status in words; [] when the phone does not throttle, None when it does not say."""
    found = re.search(r"^Thermal Status: ([0-9]{1,4})", thermal, re.MULTILINE)
    if found is None:
        return None
    level = int(found[1])
    return [f"thermal status {level} ({STATUS.get(level, 'unknown')})"] if level else []


def info(look: dict[str, str]) -> dict[str, Any]:
    """The fields of ``DeviceInfo``."""
    rows = (PROPERTY.fullmatch(line) for line in look.get("properties", "").splitlines())
    properties = {row[1]: row[2] for row in rows if row}
    maker, model = properties.get("ro.product.manufacturer", ""), properties.get("ro.product.model", "")
    soc = properties.get("ro.soc.model") or properties.get("ro.board.platform", "")
    name = " ".join(word for word in (maker, model, f"({soc})" if soc else "") if word) or None
    cpuinfo = look.get("cpuinfo", "")
    memory = re.search(r"^MemTotal: *([0-9]{1,15}) kB", look.get("meminfo", ""), re.MULTILINE)
    cores = look.get("cores", "").strip()
    release = properties.get("ro.build.version.release")
    system = look.get("system", "").split()
    return {
        "machine": system[-1] if system else properties.get("ro.product.cpu.abi", "unknown"),
        "cpu": describe_cpu(cpuinfo, name) or "unknown",
        "cores": whole(cores) or max(1, cpuinfo.count("processor\t")),
        "system": " ".join([*([f"Android {release}"] if release else []), *system]),
        "python": "none",
        "isa": isa_flags(cpuinfo),
        "memory_bytes": int(memory[1]) * 1024 if memory else None,
        "emulated": "emulated" in look,
    }


def free(look: dict[str, str]) -> dict[str, int | None]:
    """Bytes free on the disk, and of memory."""
    available = re.search(r"^MemAvailable: *([0-9]{1,15}) kB", look.get("meminfo", ""), re.MULTILINE)
    disk = look.get("disk", "").splitlines()[-1:]
    cells = disk[0].split() if disk else []
    left = whole(cells[3]) if len(cells) > 3 else None
    return {
        "disk_bytes": None if left is None else left * 1024,
        "memory_bytes": int(available[1]) * 1024 if available else None,
    }
