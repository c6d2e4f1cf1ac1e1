"""The program that runs on the measured machine: ``python agent.py REQUEST.json``.

One file, Python >= 3.7, needing only numpy and the runtime that is asked for, so that it can be copied to a board.
It imports nothing of edgekit. JSON lines go to stdout: progress ``{"event": ...}`` and one last line, either
``{"ok": true, "value": {...}}`` (exit code 0) or ``{"ok": false, "kind": ..., "message": ...}`` (exit code 1).

Commands (``request["command"]``): ``info``, ``state``, ``guard``, ``install``, ``run``, ``inspect``, ``bench``,
``sustained``, ``per_op``, ``memory``, ``roofline``; the function of each name says what it takes and returns. With
``cores`` the process is pinned first, see :func:`pin`. Element types are numpy's names ("float32", "int8").
"""

from __future__ import annotations

import ctypes
import gc
import glob
import importlib
import importlib.util
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

# The typing aliases above serve Python 3.7, where dict[str, Any] is not subscriptable at run time.
Json = Dict[str, Any]

EMULATION_MARKER = "/etc/edgekit-emulated"

# ONNX Runtime's execution providers that compute on an accelerator alone, by the name that ``--provider`` takes: their
# name there, the package that has them, and the options that choose each accelerator. CoreML's is not one of them: it
# leaves to the system what the CPU computes, and tells nobody. The first that is there is taken.
PROVIDERS = {
    "cuda": {"name": "CUDAExecutionProvider", "package": "onnxruntime-gpu", "gpu": {}},
    "migraphx": {"name": "MIGraphXExecutionProvider", "package": "onnxruntime-migraphx", "gpu": {}},
    "directml": {"name": "DmlExecutionProvider", "package": "onnxruntime-directml", "gpu": {}},
    "openvino": {"name": "OpenVINOExecutionProvider", "package": "onnxruntime-openvino",
                 "gpu": {"device_type": "GPU"}, "npu": {"device_type": "NPU"}},
    "qnn": {"name": "QNNExecutionProvider", "package": "onnxruntime-qnn", "npu": {"backend_type": "htp"}},
    "webgpu": {"name": "WebGpuExecutionProvider", "package": "onnxruntime-webgpu", "gpu": {}},
}  # type: Dict[str, Json]  # fmt: skip
VERSIONED = ("numpy", "onnxruntime", *sorted(one["package"] for one in PROVIDERS.values()), "ai-edge-litert",
             "tflite-runtime", "openvino")  # fmt: skip


class AgentError(Exception):
    """A failure to report: ``kind`` is "request", "cores", "missing-runtime", "missing-provider", "model",
    "accelerator" or "install".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


# Reading the machine. Every reader answers None when there is nothing to read; never zero. ------------------------


def read_text(path: str) -> Optional[str]:
    """A small text file without its NULs and outer blanks, or None."""
    try:
        with open(path, errors="replace") as stream:
            return stream.read().replace("\0", "").strip() or None
    except OSError:
        return None


def read_int(path: str) -> Optional[int]:
    """An integer file, or None."""
    text = read_text(path)
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text) else None


def known(values: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The entries that were read, or None when there are none."""
    kept = {key: value for key, value in values.items() if value is not None}
    return kept or None


def per_cpu(name: str, reader: Callable[[str], Any]) -> Optional[Dict[str, Any]]:
    """One cpufreq file of every CPU, by CPU name."""
    folders = glob.glob("/sys/devices/system/cpu/cpu[0-9]*/cpufreq")
    return known({os.path.basename(os.path.dirname(f)): reader(os.path.join(f, name)) for f in sorted(folders)})


def temperatures() -> Optional[Dict[str, float]]:
    """Thermal zones, degrees Celsius, by zone type; two zones of one type get their zone's number as well."""
    found = {}  # type: Dict[str, float]
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
    """What the firmware says about throttling: [] when it says nothing is wrong, None when nobody can be asked."""
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


def energy_counters() -> Dict[str, str]:
    """Folders of the energy counters that can be read, by domain ("package-0", "psys"): RAPL's top level.

    Parts of a package (core, uncore, dram) are counted in it or beside it, differently by model, so they are left out.
    """
    found = {}  # type: Dict[str, str]
    for folder in sorted(glob.glob("/sys/class/powercap/intel-rapl:*")):
        name = read_text(os.path.join(folder, "name"))
        whole = re.fullmatch(r"intel-rapl:\d+", os.path.basename(folder))
        if whole and name is not None and energy_uj(folder) is not None:
            found.setdefault(name, folder)
    return found


def energy_uj(folder: str) -> Optional[int]:
    """A counter now, microjoules; None when it cannot be read (it is root's, since CVE-2020-8694)."""
    return read_int(os.path.join(folder, "energy_uj"))


def energy_spent(before: int, after: int, span: Optional[int]) -> Optional[int]:
    """Microjoules between two looks at a counter that starts again after ``span``; None when it cannot be known."""
    if after >= before:
        return after - before
    return after + span - before if span is not None and span >= before else None


def energy_note() -> str:
    """Why there is no energy to tell though the machine counts it; empty when it does not."""
    if energy_counters():
        return "the energy counters (RAPL) stand still"
    there = glob.glob("/sys/class/powercap/intel-rapl:*")
    return "the energy counters (RAPL) are readable by root only" if there else ""


class EnergyMeter:
    """Counts what the domains of :func:`energy_counters` spend between two calls."""

    def __init__(self) -> None:
        self.folders = energy_counters()
        self.start()

    def start(self) -> None:
        """Begin a window."""
        self.before = {name: energy_uj(folder) for name, folder in self.folders.items()}
        self.begin = time.perf_counter_ns()

    def stop(self) -> Tuple[Dict[str, int], float]:
        """Microjoules by domain since :meth:`start`, without those that cannot be known; the seconds that it took."""
        spent = {}  # type: Dict[str, int]
        seconds = (time.perf_counter_ns() - self.begin) / 1e9
        for name, folder in self.folders.items():
            before, after = self.before[name], energy_uj(folder)
            if before is not None and after is not None:
                found = energy_spent(before, after, read_int(os.path.join(folder, "max_energy_range_uj")))
                if found:  # a counter that stands still measures nothing
                    spent[name] = found
        return spent, seconds


# A battery's gauge. --------------------------------------------------------------------------------------------------

GAUGE_FILES = {"voltage": ("voltage_now",), "power": ("power_now",), "current": ("current_now",),
               "energy": ("energy_now",), "charge": ("charge_now", "charge_counter")}  # fmt: skip
GAUGE_UPDATES = 5
"""New readings that a window must have had: the first tells of a time before it, and of fewer it would be too much."""
GAUGE_WINDOW_S, GAUGE_REST_S = 30.0, 12.0
"""How long a gauge is waited for, under load and at rest; at twice the updates that are needed it is enough."""
GAUGE_LOOK_S = 0.05
WATTS = 0.1, 100.0
"""What a device that computes can take from its battery. A factor of 1000, so that of two units only one fits."""


SUPPLY_FILES = ["type", "scope", "online", "status"] + [file for files in GAUGE_FILES.values() for file in files]
QUANTITIES = ("power", "current", "energy", "charge")


def supplies() -> Dict[str, Dict[str, str]]:
    """What the system tells of batteries and chargers now: by name, the SUPPLY_FILES that can be read."""
    found = {}  # type: Dict[str, Dict[str, str]]
    for folder in sorted(glob.glob("/sys/class/power_supply/*")):
        told = {file: read_text(os.path.join(folder, file)) for file in SUPPLY_FILES}
        found[os.path.basename(folder)] = {file: text for file, text in told.items() if text is not None}
    return found


def looks_of(told: Dict[str, Dict[str, str]], t_ns: int) -> Dict[str, Json]:
    """What every battery of :func:`supplies` shows, by name: numbers of GAUGE_FILES, status, time, outside power."""
    plugged = [
        name for name, files in told.items() if files.get("type") != "Battery" and files.get("online", "0") != "0"
    ]
    found = {}  # type: Dict[str, Json]
    for supply, files in told.items():
        if files.get("type") != "Battery" or files.get("scope") == "Device":  # that is a mouse's
            continue
        look = {"t_ns": t_ns, "plugged": "".join(plugged[:1]), "status": files.get("status")}  # type: Json
        for name, places in GAUGE_FILES.items():
            numbers = [files[place] for place in places if re.fullmatch(r"-?\d+", files.get(place, ""))]
            look[name] = int(numbers[0]) if numbers else None
        found[supply] = look
    return found


def look_at_gauges() -> Dict[str, Json]:
    """What every battery shows now, by name; Android's battery service is asked where the files tell nothing."""
    found = looks_of(supplies(), time.perf_counter_ns())
    if tells(found) or not shutil.which("dumpsys"):
        return found
    return look_at_dumpsys(said_by_dumpsys(), time.perf_counter_ns()) or found


def tells(looks: Dict[str, Json]) -> bool:
    """True when a battery shows something to measure by."""
    return any(look[name] is not None for look in looks.values() for name in QUANTITIES)


def said_by_dumpsys() -> str:
    """What Android's battery service says, which any shell may ask where the files above are closed."""
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
    fields = {key.lower(): value for key, value in re.findall(r"^\s*([A-Za-z ]+):\s*(\S+)\s*$", said, re.MULTILINE)}
    if "status" not in fields or fields.get("present", "true") == "false":
        return {}

    def number(name: str) -> Optional[int]:
        return int(fields[name]) if re.fullmatch(r"-?\d+", fields.get(name, "")) else None

    words = {2: "Charging", 3: "Discharging", 4: "Not charging", 5: "Full"}
    plugged = [
        name[: -len(" powered")] for name, value in fields.items() if name.endswith(" powered") and value == "true"
    ]
    return {"battery": {"t_ns": t_ns, "plugged": "".join(plugged[:1]), "power": None, "energy": None,
                        "status": words.get(number("status") or 0, "Unknown"), "voltage": number("voltage"),
                        "current": number("current now"), "charge": number("charge counter")}}  # fmt: skip


def not_discharging(look: Json) -> str:
    """Why a battery cannot tell what the device spends, or an empty text: what comes from outside is not in it."""
    if look["plugged"]:
        return "the device is powered from outside (%s): unplug it, and reach it by network" % look["plugged"]
    if look["status"] != "Discharging":
        return "its status is %r and not 'Discharging': what comes from outside is not seen" % (look["status"],)
    return ""


def updates_of(looks: Sequence[Json]) -> int:
    """How often the gauge showed something new after the first look."""
    shown = [tuple(look[name] for name in QUANTITIES) for look in looks]
    return sum(one != other for one, other in zip(shown, shown[1:]))  # noqa: B905, RUF007  (Python 3.9)


def volts(looks: Sequence[Json]) -> Optional[float]:
    """The mean voltage: microvolts as the kernel has it, or millivolts, as some drivers and dumpsys have it.

    A battery has 2 to 60 V, less than a factor of 1000, so only one of the two fits; None when none does.
    """
    told = [look["voltage"] for look in looks if look["voltage"] is not None]
    mean = sum(told) / len(told) if told else 0.0
    for unit in (1e-6, 1e-3):
        if 2.0 <= mean * unit < 60.0:
            return mean * unit
    return None


def in_watts(number: float) -> Optional[float]:
    """Watts of a number that is millionths or, from some drivers, thousandths: the unit that makes it plausible."""
    for unit in (1e-6, 1e-3):
        if WATTS[0] <= number * unit < WATTS[1]:
            return number * unit
    return None


def discharge(looks: Sequence[Json]) -> Tuple[Optional[Tuple[float, int]], str]:
    """Mean watts over the looks at a battery and the updates behind them; or None and why they tell nothing.

    Power or current is a mean of its readings over time, from the first new one on; what signs mean differs by vendor,
    so the status says that it discharges and the sign may only not change. A counter, of energy or charge, is asked
    when there is neither: from its first new reading to its last.
    """
    for look in looks:
        if not_discharging(look):
            return None, not_discharging(look)
    name = next((n for n in QUANTITIES if all(x[n] is not None for x in looks)), None)
    if name is None:
        return None, "it tells neither power, current, energy nor charge (or not to this user)"
    new = [index for index in range(1, len(looks)) if looks[index][name] != looks[index - 1][name]]
    seconds = (looks[-1]["t_ns"] - looks[0]["t_ns"]) / 1e9
    if len(new) < GAUGE_UPDATES:
        return None, "its gauge showed %d new readings of the %s in %.1f s, and %d are needed for a figure" % (
            len(new), name, seconds, GAUGE_UPDATES)  # fmt: skip
    voltage = 1.0 if name in ("power", "energy") else volts(looks)
    if voltage is None:
        return None, "it tells no voltage between 2 and 60 V, neither as uV nor as mV (%r)" % (looks[0]["voltage"],)
    steady = looks[new[0] :]
    values = [look[name] for look in steady]
    if name in ("power", "current"):
        if min(values) < 0 < max(values):
            return None, "its %s changes the sign (%d to %d), so that it was charged meanwhile" % (
                name, min(values), max(values))  # fmt: skip
        spans = [after["t_ns"] - before["t_ns"] for before, after in zip(steady, steady[1:])]  # noqa: B905, RUF007
        if sum(spans) <= 0:
            return None, "its gauge showed all new readings at the end"
        number = sum(abs(value) * span for value, span in zip(values, spans)) / sum(spans) * voltage  # noqa: B905
    else:
        if values != sorted(values, reverse=True):
            return None, "its counter of %s rises, so that it was charged meanwhile" % name
        last = looks[new[-1]]
        number = (values[0] - last[name]) * 3600.0 / ((last["t_ns"] - steady[0]["t_ns"]) / 1e9) * voltage
    watts = in_watts(number)
    if watts is None:
        return None, "its %s would be %.3g W in millionths and %.3g W in thousandths; neither is from %g to %g W" % (
            name, number / 1e6, number / 1e3, WATTS[0], WATTS[1])  # fmt: skip
    return (watts, len(new)), ""


def watch_gauges(work: Callable[[], Any], max_s: float, look_s: float) -> Tuple[Dict[str, List[Json]], int, float]:
    """Work again and again with looks at the gauges between, until all were updated often, or ``max_s``.

    The looks by battery, how often the work was done, and the seconds that it took.
    """
    begin, count = time.perf_counter_ns(), 0
    looks = {name: [look] for name, look in look_at_gauges().items()}
    while True:
        until = time.perf_counter_ns() + int(look_s * 1e9)
        while time.perf_counter_ns() < until:
            work()
            count += 1
        for name, look in look_at_gauges().items():
            looks.setdefault(name, []).append(look)
        seconds = (time.perf_counter_ns() - begin) / 1e9
        if seconds >= max_s or all(updates_of(taken) >= 2 * GAUGE_UPDATES for taken in looks.values()):
            return looks, count, seconds


class BatteryMeter:
    """What the batteries give away, in windows of their own: a gauge is too slow for the window of the samples.

    Attributes:
        notes: why a battery tells nothing, by its name.
    """

    def __init__(self, window_s: float, rest_s: float) -> None:
        first = look_at_gauges()
        self.window_s, self.rest_s = window_s, rest_s
        # dumpsys is a process of its own each time; it is asked less often.
        self.look_s = GAUGE_LOOK_S if tells(looks_of(supplies(), 0)) else 1.0
        self.notes = {name: why for name, why in ((n, not_discharging(look)) for n, look in first.items()) if why}
        self.names = [name for name in first if name not in self.notes]

    def rest(self) -> Dict[str, float]:
        """Watts by battery while this process sleeps; without those that show too little."""
        if not self.names:
            return {}
        looks, _, _ = watch_gauges(lambda: time.sleep(self.look_s), self.rest_s, self.look_s)
        told = {name: discharge(looks[name])[0] for name in self.names if name in looks}
        return {name: found[0] for name, found in told.items() if found is not None}

    def spent(self, run: Callable[[], Any], idle_w: Dict[str, float]) -> List[Json]:
        """The energy of inferences in a row, a domain for each battery."""
        if not self.names:
            return []
        looks, count, seconds = watch_gauges(run, self.window_s, self.look_s)
        domains = []
        for name in self.names:
            found, why = discharge(looks.get(name, [])) if len(looks.get(name, [])) > 1 else (None, "it disappeared")
            if found is None:
                self.notes[name] = why
                continue
            domains.append({"domain": name, "spent_uj": round(found[0] * seconds * 1e6), "window_s": seconds,
                            "idle_w": idle_w.get(name), "inferences": count, "updates": found[1]})  # fmt: skip
        return domains

    def note(self) -> str:
        """Why there are batteries and no figures of them; empty when there is nothing to say."""
        return "; ".join("battery %s: %s" % item for item in sorted(self.notes.items()))


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


def versions() -> Dict[str, str]:
    """Versions of numpy and of the runtimes that are installed."""
    found = {}
    for name in VERSIONED:
        version = installed_version(name)
        if version is not None:
            found[name] = version
    return found


def installed_version(name: str) -> Optional[str]:
    """Version of a distribution, or None when it is not installed."""
    try:
        from importlib import metadata
    except ImportError:  # Python 3.7
        pkg_resources = importlib.import_module("pkg_resources")
        found = pkg_resources.working_set.by_key.get(name)
        return None if found is None else str(found.version)
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


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


def info(request: Optional[Json] = None) -> Json:
    """``info``: the machine, the versions installed on it, its state, the room that is left, and its C library."""
    return {
        "info": machine(),
        "versions": versions(),
        "state": state(),
        "free": room(),
        "glibc": platform.libc_ver()[1],
    }


def install(request: Json) -> Json:
    """``install``: a virtual environment of its own with ``requirements`` from the wheels in a folder, offline.

    Takes venv (path, ``~`` is ours), wheels (a file in the folder of wheels) and pip (name of pip's own wheel there,
    which runs without being installed, so that no ensurepip is needed). Value: python, versions.
    """
    folder = os.path.dirname(os.path.abspath(request["wheels"]))
    venv = os.path.expanduser(request["venv"])
    python = os.path.join(venv, "bin", "python")
    pip = [python, os.path.join(folder, request["pip"], "pip"), "install", "--no-index", "--find-links", folder]
    steps = [
        ("make a virtual environment", [sys.executable, "-m", "venv", "--without-pip", venv]),
        ("install", pip + ["--disable-pip-version-check", "--upgrade"] + request["requirements"]),
        ("ask for versions", [python, "-c", VERSIONS_PROGRAM]),
    ]
    said = ""
    for what, command in steps:
        emit({"event": what})
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        said = done.stdout.decode(errors="replace").strip()
        if done.returncode:
            raise AgentError("install", "cannot %s in %s: %s" % (what, venv, " ".join(said.splitlines()[-3:])))
    return {"python": python, "versions": json.loads(said.splitlines()[-1])}


VERSIONS_PROGRAM = """
import json
try:
    from importlib import metadata
    found = {d.metadata["Name"].lower(): d.version for d in metadata.distributions()}
except ImportError:
    import pkg_resources
    found = {d.key: d.version for d in pkg_resources.working_set}
print(json.dumps(found))
"""
"""What is installed for an interpreter, by name."""


def room() -> Json:
    """Bytes free on the disk that holds this file, and of memory."""
    available = re.search(r"^MemAvailable:\s*(\d+) kB", read_text("/proc/meminfo") or "", re.MULTILINE)
    return {
        "disk_bytes": shutil.disk_usage(os.path.dirname(os.path.abspath(__file__))).free,
        "memory_bytes": int(available.group(1)) * 1024 if available else None,
    }


SENTINEL_RUNS = 15


def sentinel_ns() -> int:
    """Median time of a fixed piece of integer and memory work: what it costs now tells how fast the machine is now."""
    source = bytes(1 << 20)
    times = []
    for _ in range(SENTINEL_RUNS + 5):  # the first ones wake the clock up
        begin = time.perf_counter_ns()
        total = 0
        for value in range(40000):
            total += value & 7
        for _ in range(8):
            bytearray(source)
        times.append(time.perf_counter_ns() - begin)
    return sorted(times[5:])[SENTINEL_RUNS // 2]


def guard(request: Optional[Json] = None) -> Json:
    """``guard``: the machine between two measurements: its state, a sentinel's time, and what must not change."""
    took = sentinel_ns()
    return {
        "state": state(),
        "sentinel_ns": took,
        "info": machine(),
        "min_clock_khz": per_cpu("scaling_min_freq", read_int),
        "affinity": affinity(),
    }


# Which cores the work may run on. ----------------------------------------------------------------------------------

SAME_KIND = 0.9
"""Cores of one kind differ by less: the favoured ones of a desktop CPU turbo some percent higher."""


def strengths(cpus: Sequence[int]) -> Dict[int, int]:
    """What each CPU can do: the scheduler's ``cpu_capacity``, else its highest clock; empty when it is not told."""
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


BEFORE_PINNING = []  # type: List[int]
"""The CPUs that this process could use before :func:`pin`: what the machine is does not depend on that."""


def affinity() -> Optional[List[int]]:
    """The CPUs that this process may use, or None where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


# Runtimes: one class each, the same interface. ---------------------------------------------------------------------


def tensor_spec(
    name: str, shape: Sequence[int], dtype: str, scale: Optional[float] = None, zero_point: Optional[int] = None
) -> Json:
    """An input or output as the agent reports it, batch included in the shape."""
    return {"name": name, "shape": [int(d) for d in shape], "dtype": dtype, "scale": scale, "zero_point": zero_point}


def fixed_shape(name: str, dims: Sequence[Any]) -> List[int]:
    """A concrete shape: an open batch becomes 1; anything else open is refused."""
    shape = [d if isinstance(d, int) and d > 0 else None for d in dims]
    if shape and shape[0] is None:
        shape[0] = 1
    if None in shape:
        raise AgentError("model", "tensor %r has the open shape %s; export it with fixed sizes" % (name, list(dims)))
    return [int(d) for d in shape if d is not None]


class Runtime:
    """A loaded model that runs one inference at a time on the CPU.

    Attributes:
        version: of the runtime.
        settings: every option set to other than its default.
        delegation: what an accelerator took, where it takes parts.
        inputs, outputs: see :func:`tensor_spec`.
        exact_int8: compute what an int8 file says in float, without int8 kernels, whose sums overflow on some CPUs.
    """

    name = ""
    exact_int8 = False

    def __init__(self, threads: int, precision: str = "f32") -> None:
        """Import the runtime; nothing is loaded yet. Raises ImportError when it is missing."""
        self.threads = threads
        self.version = ""
        self.settings = {}  # type: Json
        self.delegation = None  # type: Optional[Json]
        self.inputs = []  # type: List[Json]
        self.outputs = []  # type: List[Json]

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        """Open a model; with ``profiling`` (a folder) the runtime times each operator."""
        raise NotImplementedError

    def set_input(self, index: int, array: Any) -> None:
        """Give an input its value, which stays for the runs that follow."""
        raise NotImplementedError

    def run(self) -> Any:
        """One inference, finished when this returns."""
        raise NotImplementedError

    def read(self, index: int) -> Any:
        """A copy of an output of the last run."""
        raise NotImplementedError

    def prove(self, model: str) -> None:
        """After an inference: find what an accelerator takes where loading does not tell it."""


class OnnxRuntime(Runtime):
    """ONNX Runtime's CPU execution provider: ``threads`` within an operator, operators one after another."""

    name = "onnxruntime"

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        import onnxruntime

        self.api = onnxruntime
        self.version = onnxruntime.__version__
        self.settings = {"intra_op_num_threads": threads, "inter_op_num_threads": 1, "execution_mode": "sequential"}
        self.feed = {}  # type: Json
        self.results = []  # type: List[Any]

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        self.session = self.open(model, self.options(profiling))
        self.inputs = [self.spec(node) for node in self.session.get_inputs()]
        self.outputs = [self.spec(node) for node in self.session.get_outputs()]
        self.output_names = [node["name"] for node in self.outputs]

    def options(self, profiling: Optional[str]) -> Any:
        """How a session works; with ``profiling`` it writes its profile to that folder."""
        options = self.api.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.execution_mode = self.api.ExecutionMode.ORT_SEQUENTIAL
        if self.exact_int8:  # the kernels come of fusing what stands between two QDQ pairs
            options.graph_optimization_level = self.api.GraphOptimizationLevel.ORT_DISABLE_ALL
        if profiling:
            options.enable_profiling = True
            options.profile_file_prefix = os.path.join(profiling, "ort")
        return options

    def open(self, model: str, options: Any) -> Any:
        """A session on the CPU."""
        return self.api.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    @staticmethod
    def spec(node: Any) -> Json:
        return tensor_spec(node.name, fixed_shape(node.name, node.shape), numpy_name(node.type[len("tensor(") : -1]))

    def set_input(self, index: int, array: Any) -> None:
        self.feed[self.inputs[index]["name"]] = array

    def run(self) -> Any:
        self.results = self.session.run(self.output_names, self.feed)

    def read(self, index: int) -> Any:
        return self.results[index]

    def kernels(self) -> List[Json]:
        """Every kernel event recorded so far; ends the profiling."""
        return kernel_events(self.session)


def kernel_events(session: Any) -> List[Json]:
    """The kernels that an ONNX Runtime session ran since it was made, in order; ends its profiling."""
    with open(session.end_profiling()) as stream:
        events = json.load(stream)
    return [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]


class LiteRT(Runtime):
    """LiteRT's Interpreter (ai_edge_litert, else tflite_runtime) with its default CPU delegate, XNNPACK."""

    name = "litert"

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        try:
            from ai_edge_litert.interpreter import Interpreter

            package = "ai-edge-litert"
        except ImportError as error:
            if (error.name or "").split(".")[0] != "ai_edge_litert":
                raise  # it is installed, and something that it needs is not
            from tflite_runtime.interpreter import Interpreter

            package = "tflite-runtime"
        self.interpreter_class = Interpreter
        self.package = package
        self.version = installed_version(package) or "unknown"
        self.settings = {"num_threads": threads}
        self.no_delegate = False

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        more = {}  # type: Json
        if self.no_delegate:
            interpreter = importlib.import_module(self.interpreter_class.__module__)
            more = {"experimental_op_resolver_type": interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}
        self.interpreter = self.interpreter_class(model_path=model, num_threads=self.threads, **more)
        self.interpreter.allocate_tensors()
        self.input_details = self.interpreter.get_input_details()
        self.output_details = self.interpreter.get_output_details()
        self.inputs = [self.spec(details) for details in self.input_details]
        self.outputs = [self.spec(details) for details in self.output_details]

    @staticmethod
    def spec(details: Json) -> Json:
        import numpy as np

        scale, zero_point = details["quantization"]
        quantized = scale != 0
        return tensor_spec(
            details["name"],
            details["shape"],
            np.dtype(details["dtype"]).name,
            float(scale) if quantized else None,
            int(zero_point) if quantized else None,
        )

    def set_input(self, index: int, array: Any) -> None:
        self.interpreter.set_tensor(self.input_details[index]["index"], array)

    def run(self) -> Any:
        self.interpreter.invoke()

    def read(self, index: int) -> Any:
        return self.interpreter.get_tensor(self.output_details[index]["index"])


GPU_COMPILE_S = 300.0
"""How long the first inference may take: it waits for the kernels that a driver compiles."""


class LiteRTGpu(LiteRT):
    """LiteRT's compiled model on its GPU accelerator; what that does not take runs on the CPU, and is counted.

    The GPU works after ``run`` has returned, so an inference ends with the read-back of its outputs. ``precision``
    "f32" enforces float32; "default" lets the GPU compute in float16.

    Attributes:
        delegation: what was delegated, from the accelerator's own log; its other reports are not to be trusted.
    """

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        if self.package != "ai-edge-litert":
            raise AgentError("request", self.package + " has no GPU accelerator for Python; install ai-edge-litert")
        from ai_edge_litert import compiled_model, hardware_accelerator, options

        hardware = hardware_accelerator.HardwareAccelerator
        self.compiled_class = compiled_model.CompiledModel
        self.options = options.Options(
            hardware_accelerators=hardware.GPU | hardware.CPU,
            gpu_options=options.GpuOptions(enforce_f32=precision == "f32"),
            cpu_options=options.CpuOptions(num_threads=threads),
        )
        self.settings["gpu_precision"] = "fp32" if precision == "f32" else "fp16"
        self.results = []  # type: List[Any]
        self.proven = False

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        # The interpreter knows the quantization of the ends; it is not run.
        interpreter = self.interpreter_class(model_path=model)
        self.inputs = [self.spec(details) for details in interpreter.get_input_details()]
        self.outputs = [self.spec(details) for details in interpreter.get_output_details()]
        count = len(interpreter._get_ops_details())  # noqa: SLF001  (there is no public count)
        failure = None  # type: Optional[Exception]
        with said_meanwhile() as said:
            try:
                self.compiled = self.compiled_class.from_file(model, options=self.options)
            except RuntimeError as error:
                failure = error
        if failure is not None:
            raise AgentError("accelerator", "LiteRT's GPU accelerator does not take the model: %s" % (
                gpu_reason(said[0]) or first_line(failure))) from failure  # fmt: skip
        self.delegation = gpu_delegation(said[0], count)
        refuse_invalid(said[0])
        self.settings["adapter"] = self.delegation["adapter"]
        self.given, self.taken = self.compiled.create_input_buffers(0), self.compiled.create_output_buffers(0)
        import numpy as np

        self.sizes = [(int(np.prod(spec["shape"])), np.dtype(spec["dtype"])) for spec in self.outputs]

    def set_input(self, index: int, array: Any) -> None:
        self.given[index].write(array)

    def run(self) -> Any:
        if self.proven:
            self.infer()
            return
        with said_meanwhile() as said:
            self.infer(GPU_COMPILE_S)
        refuse_invalid(said[0])
        self.proven = True

    def infer(self, patience_s: float = 0.0) -> None:
        """One inference with its read-back.

        LiteRT gives the read-back up after two minutes and leaves the buffer locked for good: within the patience, the
        inference is repeated into new buffers, while the kernels compiled so far are kept.
        """
        until = time.monotonic() + patience_s
        while True:
            self.compiled.run_by_index(0, self.given, self.taken)
            try:
                self.results = [buffer.read(*size) for buffer, size in zip(self.taken, self.sizes)]  # noqa: B905
                return
            except RuntimeError as error:
                if "lock custom tensor buffer" not in str(error) or time.monotonic() > until:
                    raise
                self.taken = self.compiled.create_output_buffers(0)

    def read(self, index: int) -> Any:
        import numpy as np

        return np.array(self.results[index]).reshape(self.outputs[index]["shape"])


class said_meanwhile:  # noqa: N801 - used like a function
    """What native code prints on stdout and stderr inside the block, as a list of one text; printed if ``aloud``."""

    def __init__(self, aloud: bool = True) -> None:
        self.aloud = aloud

    def __enter__(self) -> List[str]:
        sys.stdout.flush()
        sys.stderr.flush()
        self.kept = [os.dup(1), os.dup(2)]
        self.file = tempfile.TemporaryFile()
        for number in (1, 2):
            os.dup2(self.file.fileno(), number)
        self.said = []  # type: List[str]
        return self.said

    def __exit__(self, *_: object) -> None:
        for number, kept in zip((1, 2), self.kept):  # noqa: B905
            os.dup2(kept, number)
            os.close(kept)
        self.file.seek(0)
        text = self.file.read()
        self.file.close()
        if self.aloud:
            os.write(2, text)
        self.said.append(text.decode(errors="replace"))


def gpu_reason(said: str) -> str:
    """What the accelerator's log gives as the reason of a failure, or an empty string."""
    if "Selected adapter" not in said:
        return "no GPU adapter was found (a Vulkan driver is needed)"
    errors = [line.strip() for line in said.splitlines() if "ERROR" in line]
    return errors[0] if errors else ""


def refuse_invalid(said: str) -> None:
    """Raise AgentError when the log tells that the GPU dropped commands: LiteRT goes on, quickly, and computes nothing.

    WebGPU reports such errors to nobody but the log, and a run that consists of them "succeeds".
    """
    errors = re.findall(r"(?:Validation|Out of memory|Internal|Device lost) error: (.+)", said)
    if errors:
        raise AgentError("accelerator", "the GPU refused %d commands of the model, so its outputs are wrong: %s" % (
            len(errors), errors[0].rstrip(".")))  # fmt: skip


def gpu_delegation(said: str, count: int) -> Json:
    """What LiteRT's GPU accelerator took of ``count`` operators, from what it printed while compiling.

    Value: name, adapter, emulated (an adapter that is a CPU), gpu_ops, cpu_ops, partitions (pieces on the GPU), reasons
    (what the accelerator says of the operators it leaves). Raises AgentError when nothing runs on a GPU: that would be
    a CPU's time under its name.
    """
    adapter = re.search(r"Selected adapter: (.+)", said)
    name = re.search(r"RegisterAccelerator: .*name=(GPU \S+)", said)
    split = re.search(r"(\d+) operations will run on the GPU, and the remaining (\d+) operations", said)
    listed = re.search(r"Following operations are not supported by GPU delegate:\n((?:.+\n)*?)\d+ operations", said)
    started = re.findall(r"Initializing \S+-based API from graph", said)
    if split:
        on_gpu, on_cpu = int(split.group(1)), int(split.group(2))
    else:
        on_gpu, on_cpu = (count, 0) if started else (0, count)
    if on_gpu == 0:
        raise AgentError("accelerator", "nothing runs on the GPU: %s" % (gpu_reason(said) or "it took no operator"))
    words = adapter.group(1) if adapter else "unknown adapter"
    return {
        "name": name.group(1) if name else "GPU",
        "adapter": words.split(", arch=")[0],
        "emulated": "adapterType=CPU" in words,
        "gpu_ops": on_gpu,
        "cpu_ops": on_cpu,
        "partitions": len(started),
        "reasons": [line.strip() for line in listed.group(1).splitlines()] if listed else [],
    }


class OnnxRuntimeGpu(OnnxRuntime):
    """ONNX Runtime with an execution provider for an accelerator; what that does not take runs on the CPU.

    An inference ends with its outputs in the CPU's memory. A provider that does not start is replaced by the CPU, which
    ONNX Runtime only mentions, and one that starts may take nothing: both are errors here.

    Attributes:
        provider: a key of ``PROVIDERS``, see :meth:`choose`.
        delegation: who ran what, from the profile of one inference; see :meth:`prove`.
    """

    accelerator = "gpu"

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        self.precision = precision
        self.provider = ""
        self.provider_name = ""
        self.provider_options = {}  # type: Dict[str, str]

    def choose(self, wanted: Optional[str]) -> None:
        """Take the provider ``wanted``, or the first that this build of ONNX Runtime has for the accelerator.

        Raises AgentError when there is none.
        """
        able = [key for key, one in PROVIDERS.items() if self.accelerator in one]
        if wanted is not None and wanted not in able:
            what = "has no %s" % self.accelerator.upper() if wanted in PROVIDERS else "is not one"
            raise AgentError("request", "the execution provider %r %s; for the %s there are %s" % (
                wanted, what, self.accelerator.upper(), ", ".join(able)))  # fmt: skip
        able = able if wanted is None else [wanted]
        offered = self.api.get_available_providers()
        there = [key for key in able if PROVIDERS[key]["name"] in offered]
        if not there:
            packages = " or ".join("%s (%s)" % (PROVIDERS[key]["package"], key) for key in able)
            what = "the execution provider " + wanted if wanted else "any for the " + self.accelerator.upper()
            raise AgentError("missing-provider", "ONNX Runtime %s of %s was built with %s, without %s; it takes the "
                             "package %s, in an environment without the package onnxruntime" % (
                self.version, sys.executable, " and ".join(offered), what, packages))  # fmt: skip
        self.provider = there[0]
        self.provider_name = PROVIDERS[self.provider]["name"]
        self.provider_options, computes = provider_options(self.provider, self.accelerator, self.precision)
        if self.provider == "cuda" and hasattr(self.api, "preload_dlls"):
            self.api.preload_dlls()  # CUDA and cuDNN as packages, which the loader does not find by itself
        self.settings["execution_provider"] = self.provider_name
        self.settings.update(self.provider_options)
        self.settings[self.accelerator + "_precision"] = computes

    def open(self, model: str, options: Any) -> Any:
        """A session on the accelerator and the CPU. Raises AgentError when it would be the CPU alone."""
        providers = [(self.provider_name, self.provider_options), "CPUExecutionProvider"]
        failure = session = None  # type: Any
        with said_meanwhile() as said:
            try:
                session = self.api.InferenceSession(model, options, providers=providers, enable_fallback=0)
            except Exception as error:  # noqa: BLE001  (it is raised below, when the output is ours again)
                failure = error
        if failure is not None or self.provider_name not in session.get_providers():
            reason = provider_failure(said[0], failure)
            raise AgentError("accelerator", "ONNX Runtime does not open the model on its %s: %s" % (
                self.provider_name, reason)) from failure  # fmt: skip
        refuse_device_errors(self.provider_name, said[0])
        session.disable_fallback()  # an inference that fails there would be repeated on the CPU
        return session

    def prove(self, model: str) -> None:
        """Find in a session of its own who runs which operator, so that the measured one has no profiler.

        Raises AgentError when nothing runs on the accelerator, or it reports errors.
        """
        with tempfile.TemporaryDirectory(prefix="edgekit-agent-") as folder, said_meanwhile(aloud=False) as said:
            options = self.options(folder)
            options.log_severity_level = 0  # says why an operator is left
            options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
            session = self.open(model, options)
            session.run(self.output_names, self.feed)
            events = kernel_events(session)
            assigned = assigned_nodes(session)
        refuse_device_errors(self.provider_name, said[0])
        adapter, emulated = provider_adapter(self.provider, self.accelerator)
        ran = [(e["args"]["provider"], e["args"]["op_name"], e["name"][: -len("_kernel_time")]) for e in events]
        found = provider_delegation(self.provider_name, ran, assigned, said[0])
        self.delegation = dict(found, name=self.provider_name, adapter=adapter, emulated=emulated)
        self.settings["adapter"] = adapter


class OnnxRuntimeNpu(OnnxRuntimeGpu):
    """ONNX Runtime with an execution provider for an NPU."""

    accelerator = "npu"


def provider_options(provider: str, accelerator: str, precision: str) -> Tuple[Dict[str, str], str]:
    """The options of an execution provider for an accelerator, and the precision that it computes floats in.

    For "f32" float32 where the provider can; by default CUDA would round to TF32 and OpenVINO's GPU to float16.
    """
    options = dict(PROVIDERS[provider][accelerator])
    computes = "fp32" if precision == "f32" else "fp16"
    if provider == "cuda" and precision == "f32":
        options["use_tf32"] = "0"
    if accelerator == "npu":
        computes = "fp16"  # both NPUs know no float32
    if provider == "openvino":
        options["precision"] = computes.upper()
    return options, computes


def provider_failure(said: str, failure: Optional[Exception]) -> str:
    """Why an execution provider did not start, from the exception or the log; its place in the source is left out."""
    if failure is not None:
        text = first_line(failure)
    else:
        errors = [line for line in said.splitlines() if re.search(r"\[E:onnxruntime", line)]
        text = errors[0] if errors else "ONNX Runtime does not say why"
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    for mark in (" was false. ", "[ERROR] ", " : FAIL : "):
        text = text.rpartition(mark)[2]
    return text.strip() + (" (a Vulkan driver is needed)" if "No supported adapters" in text else "")


def assigned_nodes(session: Any) -> Optional[List[Tuple[str, str, str]]]:
    """Provider, type and name of each operator as it was assigned; None before ONNX Runtime 1.24."""
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return None
    groups = session.get_provider_graph_assignment_info()
    return [(group.ep_name, node.op_type, node.name) for group in groups for node in group.get_nodes()]


def refuse_device_errors(provider: str, said: str) -> None:
    """Raise AgentError when the log tells that the device refused work, or a CPU took its place.

    Both are only written down. OpenVINO's provider lets its CPU compute what does not compile for an NPU.
    """
    if "Falling back to OV CPU" in said:
        raise AgentError("accelerator", "the model does not compile for the NPU; %s took the CPU instead" % provider)
    errors = re.findall(r"WebGPU device (?:error|lost) ?\(.*?\): ?(.+)", said)
    if errors:
        raise AgentError("accelerator", "%s reported %d errors of the device, so the outputs are wrong: %s" % (
            provider, len(errors), errors[0]))  # fmt: skip


def provider_delegation(
    provider: str,
    ran: Sequence[Tuple[str, str, str]],
    assigned: Optional[Sequence[Tuple[str, str, str]]],
    said: str,
) -> Json:
    """What an execution provider took, from the kernels that ``ran`` in one inference: provider, type, name of each.

    Operators count as ONNX Runtime runs them, after its own fusions and without what it adds: see :func:`added`. A
    provider that compiles operators runs them as one kernel of its own; then those ``assigned`` count (not always: for
    a provider with another memory layout, ONNX Runtime 1.27 lists a part only).

    Value: gpu_ops, cpu_ops, partitions (stretches on the accelerator), undelegated (type: count), reasons. Raises
    AgentError when it took nothing: that would be the CPU's time under its name.
    """
    kernels = [one for one in ran if not added(*one[1:])]
    nodes = kernels  # type: Sequence[Tuple[str, str, str]]
    if any(by == provider and name.startswith(provider + "_") for by, _, name in kernels):
        if assigned is None:
            raise AgentError("accelerator", "%s compiles operators, and only ONNX Runtime from 1.24 on tells which: "
                             "install a newer one" % provider)  # fmt: skip
        nodes = assigned
    outside = [(kind, name) for by, kind, name in nodes if by != provider]
    undelegated = {}  # type: Dict[str, int]
    for kind, _ in outside:
        undelegated[kind] = undelegated.get(kind, 0) + 1
    reasons = left_reasons(outside, said)
    if len(outside) == len(nodes):
        raise AgentError("accelerator", "nothing runs on %s, all on the CPU: %s" % (provider, "; ".join(reasons)))
    before = [""] + [by for by, _, _ in kernels]
    return {
        "gpu_ops": len(nodes) - len(outside),
        "cpu_ops": len(outside),
        "partitions": sum(by == provider != last for last, (by, _, _) in zip(before, kernels)),  # noqa: B905
        "undelegated": undelegated,
        "reasons": reasons,
    }


def added(kind: str, name: str) -> bool:
    """True for what ONNX Runtime adds to a network: copies between memories, and changes of the memory layout."""
    return kind.startswith(("Memcpy", "Reorder")) or (
        kind == "Transpose" and re.fullmatch(r"Transpose(_token_\d+)?", name) is not None
    )


def left_reasons(outside: Sequence[Tuple[str, str]], said: str) -> List[str]:
    """Why operators (type, name) stay on the CPU, by type, from ONNX Runtime's log where that tells it."""
    no_kernel = set(re.findall(r"kernel not found in registries for Op type: (\S+) node name:", said))
    forced = dict(re.findall(r"[Ff]orce fallback to CPU execution for node: (\S+) because (.+)", said))
    groups = {}  # type: Dict[Tuple[str, str], List[str]]
    for kind, name in outside:
        why = forced.get(name) or ("no kernel for it" if kind in no_kernel else "ONNX Runtime does not say why")
        groups.setdefault((kind, why), []).append(name)
    return ["%s: %s (%s)" % (kind, why, some(names)) for (kind, why), names in groups.items()]


def some(names: Sequence[str]) -> str:
    """The first three names, and how many more there are."""
    more = ["and %d more" % (len(names) - 3)] if len(names) > 3 else []
    return ", ".join([name or "without a name" for name in names[:3]] + more)


def provider_adapter(provider: str, accelerator: str) -> Tuple[str, bool]:
    """The device behind an execution provider, and whether it is a CPU that plays a GPU.

    WebGPU's computes on Vulkan on Linux, and prefers a card of its own to a built-in GPU, and that to software.
    """
    if provider == "webgpu" and platform.system() == "Linux":
        found = vulkan_adapters()
        if found:
            return found[0][1], found[0][0] == VULKAN_KINDS.index("cpu")
    return "%s of %s" % (accelerator.upper(), PROVIDERS[provider]["name"]), False


VULKAN_KINDS = ["discrete", "integrated", "virtual", "other", "cpu"]
"""Kinds of Vulkan's devices in the order of preference, see :func:`vulkan_adapters`."""


class VulkanInstanceInfo(ctypes.Structure):
    """``VkInstanceCreateInfo``."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.c_void_p),
        ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.c_void_p),
        ("extension_count", ctypes.c_uint32),
        ("extensions", ctypes.c_void_p),
    ]


def vulkan_adapters() -> List[Tuple[int, str]]:
    """Vulkan's devices: number of the kind in ``VULKAN_KINDS`` and name, the preferred first; none without a driver."""
    try:
        vulkan = ctypes.CDLL("libvulkan.so.1")
    except OSError:
        return []
    instance, count = ctypes.c_void_p(), ctypes.c_uint32()
    if vulkan.vkCreateInstance(ctypes.byref(VulkanInstanceInfo(type=1)), None, ctypes.byref(instance)) != 0:
        return []
    found = []
    if vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None) == 0:
        devices = (ctypes.c_void_p * count.value)()
        vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), devices)
        for device in devices[: count.value]:
            facts = ctypes.create_string_buffer(4096)  # VkPhysicalDeviceProperties, and room to spare
            vulkan.vkGetPhysicalDeviceProperties(ctypes.c_void_p(device), facts)
            kind = ctypes.c_int.from_buffer(facts, 16).value  # behind four versions and identifiers
            name = ctypes.string_at(ctypes.addressof(facts) + 20, 256).partition(b"\0")[0].decode(errors="replace")
            words = {1: "integrated", 2: "discrete", 3: "virtual", 4: "cpu"}
            found.append((VULKAN_KINDS.index(words.get(kind, "other")), name))
    vulkan.vkDestroyInstance(instance, None)
    return sorted(found)


class OpenVINO(Runtime):
    """OpenVINO's CPU plugin with the latency hint, or its GPU or NPU plugin.

    ``precision`` is the INFERENCE_PRECISION_HINT: "f32" by default, because a CPU with native bf16 or f16 would
    otherwise compute an fp32 model in it; "default" leaves the choice to the plugin.
    """

    name = "openvino"

    device = "CPU"

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        import openvino

        self.api = openvino
        self.version = openvino.get_version()
        self.settings = {"PERFORMANCE_HINT": "LATENCY"}
        if self.device == "CPU":
            self.settings["INFERENCE_NUM_THREADS"] = threads
        if precision != "default":
            self.settings["INFERENCE_PRECISION_HINT"] = precision

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        core = self.api.Core()
        self.network = core.read_model(model)
        open_batch = [port for port in self.network.inputs if port.partial_shape.is_dynamic]
        if open_batch:
            self.network.reshape({port: fixed_shape(port.any_name, dims_of(port)) for port in open_batch})
        config = dict(self.settings, PERF_COUNT=True) if profiling else dict(self.settings)
        if self.exact_int8:
            config["LP_TRANSFORMS_MODE"] = "NO"
        if self.device != "CPU":
            there = core.available_devices
            if self.device not in there:
                message = "OpenVINO sees no %s here, only %s" % (self.device, ", ".join(there))
                raise AgentError("accelerator", message)
            self.settings["adapter"] = str(core.get_property(self.device, "FULL_DEVICE_NAME"))
        self.compiled = core.compile_model(self.network, self.device, config)
        self.request = self.compiled.create_infer_request()
        self.inputs = [self.spec(port) for port in self.compiled.inputs]
        self.outputs = [self.spec(port) for port in self.compiled.outputs]

    @staticmethod
    def spec(port: Any) -> Json:
        name = port.any_name if port.names else port.node.friendly_name
        return tensor_spec(name, list(port.shape), numpy_name(port.element_type.get_type_name()))

    def set_input(self, index: int, array: Any) -> None:
        # Into the request's own tensor, as benchmark_app does: it is aligned as the plugin likes it.
        self.request.get_input_tensor(index).data[...] = array

    def run(self) -> Any:
        self.request.infer(share_outputs=True)

    def read(self, index: int) -> Any:
        return self.request.get_output_tensor(index).data.copy()


class OpenVINOGpu(OpenVINO):
    """OpenVINO's GPU plugin, which compiles a model as a whole or not at all."""

    device = "GPU"


class OpenVINONpu(OpenVINO):
    """OpenVINO's NPU plugin, which compiles a model as a whole or not at all."""

    device = "NPU"


RUNTIMES = {c.name: c for c in (OnnxRuntime, LiteRT, OpenVINO)}
ACCELERATED = {
    ("litert", "gpu"): LiteRTGpu,
    ("onnxruntime", "gpu"): OnnxRuntimeGpu,
    ("onnxruntime", "npu"): OnnxRuntimeNpu,
    ("openvino", "gpu"): OpenVINOGpu,
    ("openvino", "npu"): OpenVINONpu,
}  # type: Dict[Tuple[Any, Any], Any]

# What ONNX Runtime and OpenVINO call the element types, in numpy's words.
ELEMENT_TYPES = {
    "float": "float32", "double": "float64", "f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16",
    "i64": "int64", "i32": "int32", "i16": "int16", "i8": "int8", "i4": "int4", "u64": "uint64", "u32": "uint32",
    "u16": "uint16", "u8": "uint8", "u4": "uint4", "boolean": "bool",
}  # fmt: skip


def numpy_name(element_type: str) -> str:
    """A runtime's name of an element type as numpy spells it; unknown names pass through."""
    return ELEMENT_TYPES.get(element_type, element_type)


def dims_of(port: Any) -> List[Optional[int]]:
    """Dimensions of an OpenVINO port, None where open."""
    return [dim.get_length() if dim.is_static else None for dim in port.partial_shape]


def make_runtime(request: Json) -> Runtime:
    """Import the runtime that a request names; of ONNX Runtime also the ``provider``, a key of ``PROVIDERS``."""
    name, accelerator = request.get("runtime"), request.get("accelerator", "cpu")
    if name not in RUNTIMES:
        raise AgentError("request", "unknown runtime %r; known: %s" % (name, ", ".join(sorted(RUNTIMES))))
    if accelerator != "cpu" and (name, accelerator) not in ACCELERATED:
        can = " and ".join("%s on the %s" % pair for pair in sorted(ACCELERATED))
        raise AgentError("request", "%s cannot be measured on the accelerator %r; this agent knows the CPU, and %s" % (
            name, accelerator, can))  # fmt: skip
    threads = request.get("threads", 1)
    if not isinstance(threads, int) or threads < 1:
        raise AgentError("request", "threads must be a whole number from 1, got %r" % (threads,))
    made = ACCELERATED.get((name, accelerator), RUNTIMES[name])
    provider = request.get("provider")
    if provider is not None and not issubclass(made, OnnxRuntimeGpu):
        raise AgentError("request", "the execution provider %r cannot be chosen for %s on the %s; "
                         "it is ONNX Runtime's, for a gpu or npu" % (provider, name, accelerator))  # fmt: skip
    try:
        runtime = made(threads, request.get("inference_precision", "f32"))
    except ImportError as error:
        message = "the runtime %s cannot be imported by %s: %s" % (name, sys.executable, error)
        raise AgentError("missing-runtime", message) from error
    if isinstance(runtime, OnnxRuntimeGpu):
        runtime.choose(provider)
    return runtime  # type: ignore[no-any-return]


def load_model(runtime: Runtime, request: Json, profiling: Optional[str] = None) -> int:
    """Load the request's model; nanoseconds it took."""
    model = request.get("model")
    if not model or not os.path.isfile(model):
        raise AgentError("request", "no model file at %r" % (model,))
    begin = time.perf_counter_ns()
    try:
        runtime.load(model, profiling)
    except AgentError:
        raise
    except Exception as error:
        traceback.print_exc()
        raise AgentError("model", "%s cannot load %s: %s" % (runtime.name, model, first_line(error))) from error
    return time.perf_counter_ns() - begin


def first_line(error: Exception) -> str:
    """An exception's message without the C++ stack that some runtimes append."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3]) or type(error).__name__


# Inputs ------------------------------------------------------------------------------------------------------------


def checked(array: Any, spec: Json, what: str) -> Any:
    """``array`` when it has exactly the shape and element type of an input."""
    if array.dtype.name != spec["dtype"]:
        raise AgentError("request", "%s is %s; the model's input %r takes %s" % (
            what, array.dtype.name, spec["name"], spec["dtype"]))  # fmt: skip
    if list(array.shape) != spec["shape"]:
        raise AgentError("request", "%s has shape %s; the model's input %r takes %s" % (
            what, list(array.shape), spec["name"], spec["shape"]))  # fmt: skip
    return array


def random_input(spec: Json, seed: int) -> Any:
    """Uniform 0..1 for floats, the whole range for integers."""
    import numpy as np

    generator = np.random.RandomState(seed)
    dtype = np.dtype(spec["dtype"])  # type: Any
    if dtype.kind == "f":
        return np.asarray(generator.random_sample(spec["shape"]), dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return generator.randint(limits.min, limits.max + 1, spec["shape"], dtype=dtype)
    raise AgentError("request", "no random input for element type %s; give one" % spec["dtype"])


def set_inputs(runtime: Runtime, request: Json) -> None:
    """The request's ``input`` (an .npy with the batch of 1) or a random one."""
    import numpy as np

    path = request.get("input")
    if path and len(runtime.inputs) != 1:
        raise AgentError("request", "the model has %d inputs; one file was given" % len(runtime.inputs))
    for index, spec in enumerate(runtime.inputs):
        array = checked(np.load(path), spec, path) if path else random_input(spec, request.get("seed", 0) + index)
        runtime.set_input(index, array)


def run(request: Json) -> Json:
    """``run``: ``inputs`` (.npy, ``(N, *sample)``) one at a time; writes ``outputs`` (.npy, ``(N, *out)``).

    Both in the model's own element types and layout; ``exact_int8``: see :class:`Runtime`. Value: count, output_dtype,
    seconds, settings, delegation.
    """
    import numpy as np

    runtime = make_runtime(request)
    runtime.exact_int8 = bool(request.get("exact_int8"))
    load_model(runtime, request)
    if len(runtime.inputs) != 1 or len(runtime.outputs) != 1:
        raise AgentError("model", "the model has %d inputs and %d outputs; this command takes one of each" % (
            len(runtime.inputs), len(runtime.outputs)))  # fmt: skip
    samples = np.load(request["inputs"], mmap_mode="r")
    spec = runtime.inputs[0]
    if spec["shape"][:1] != [1]:
        raise AgentError("model", "the model's input has batch %s; this command takes 1" % spec["shape"][:1])
    checked(samples[:1] if len(samples) else samples, spec, "each of " + request["inputs"])
    results = None  # type: Any
    begin = time.perf_counter()
    for index in range(len(samples)):
        runtime.set_input(0, np.ascontiguousarray(samples[index : index + 1]))
        runtime.run()
        output = runtime.read(0)
        if results is None:
            results = np.empty((len(samples), *output.shape[1:]), output.dtype)
        results[index] = output[0]
    seconds = time.perf_counter() - begin
    if len(samples):
        runtime.prove(request["model"])
    np.save(request["outputs"], results)
    return {
        "count": len(samples),
        "output_dtype": results.dtype.name,
        "seconds": seconds,
        "settings": runtime.settings,
        "delegation": runtime.delegation,
    }


# What a file holds, and what the runtime makes of it ----------------------------------------------------------------


def inspect(request: Json) -> Json:
    """``inspect``: facts for an audit.

    Value: inputs, outputs (see :func:`tensor_spec`); nodes (operators of the file) and executed (after the runtime's
    own optimisation), each ``{type, name, inputs: [dtype], outputs: [dtype]}``; tensors; delegate or None. A node also
    has the ids of the tensors that it reads and writes. For ONNX nodes and tensors are empty: the onnx package reads
    them, on the host.
    """
    runtime = make_runtime(request)
    with tempfile.TemporaryDirectory(prefix="edgekit-agent-") as folder:
        load_model(runtime, request, folder)
        set_inputs(runtime, request)
        runtime.run()
        if isinstance(runtime, OnnxRuntime):
            facts = inspect_onnxruntime(runtime)
        elif isinstance(runtime, LiteRT):
            facts = inspect_litert(runtime)
        else:
            assert isinstance(runtime, OpenVINO)
            facts = inspect_openvino(runtime)
    facts.update(inputs=runtime.inputs, outputs=runtime.outputs)
    facts.update(runtime_version=runtime.version, settings=runtime.settings)
    return facts


def inspect_onnxruntime(runtime: OnnxRuntime) -> Json:
    """The kernels that ONNX Runtime ran, from its own profile, in order."""

    def types(entries: Any) -> List[str]:
        return [numpy_name(name) for entry in entries for name in entry]

    executed = [
        {
            "type": event["args"]["op_name"],
            "name": event["name"][: -len("_kernel_time")],
            "inputs": types(event["args"].get("input_type_shape", [])),
            "outputs": types(event["args"].get("output_type_shape", [])),
        }
        for event in runtime.kernels()
    ]
    return {"nodes": [], "executed": executed, "tensors": [], "delegate": None}


def inspect_litert(runtime: LiteRT) -> Json:
    """The operators of a TFLite file, and which of them the delegate took.

    ``_get_ops_details`` lists the file's operators, then one DELEGATE per partition whose inputs and outputs are the
    tensors that cross its border. So a partition holds exactly the operators that are reached backwards from its
    outputs without passing its inputs. An operator has no name of its own: it is called by its first output.
    """
    import numpy as np

    listed = runtime.interpreter._get_ops_details()  # noqa: SLF001  (nothing public tells)
    operators = [op for op in listed if op["op_name"] != "DELEGATE"]
    partitions = [op for op in listed if op["op_name"] == "DELEGATE"]
    producer = {int(t): i for i, op in enumerate(operators) for t in op["outputs"]}
    details = {int(t["index"]): t for t in runtime.interpreter.get_tensor_details()}
    delegated = set()  # type: set[int]
    for partition in partitions:
        border = {int(t) for t in partition["inputs"]}
        waiting = [int(t) for t in partition["outputs"]]
        while waiting:
            op = producer.get(waiting.pop())
            if op is not None and op not in delegated:
                delegated.add(op)
                waiting += [int(t) for t in operators[op]["inputs"] if int(t) not in border]

    def node(op: Json) -> Json:
        return {
            "type": op["op_name"],
            "name": details[int(op["outputs"][0])]["name"] if len(op["outputs"]) else "",
            "inputs": [np.dtype(details[int(t)]["dtype"]).name for t in op["inputs"] if int(t) >= 0],
            "outputs": [np.dtype(details[int(t)]["dtype"]).name for t in op["outputs"] if int(t) >= 0],
        }

    given = {int(t["index"]) for t in runtime.input_details}
    used = {int(t) for op in operators for side in ("inputs", "outputs") for t in op[side] if int(t) >= 0} | given
    tensors = []
    for index in sorted(used):
        tensor = details[index]
        shape, dtype = [int(d) for d in tensor["shape"]], np.dtype(tensor["dtype"])
        tensors.append(
            {
                "id": index,
                "name": tensor["name"],
                "shape": shape,
                "dtype": dtype.name,
                "constant": index not in producer and index not in given,
                "bytes": int(np.prod(shape, dtype=np.int64)) * dtype.itemsize,
                "channels": len(tensor["quantization_parameters"]["scales"]),
            }
        )
    undelegated = {}  # type: Dict[str, int]
    for index, op in enumerate(operators):
        if index not in delegated:
            undelegated[op["op_name"]] = undelegated.get(op["op_name"], 0) + 1
    nodes = [node(op) for op in operators]
    return {
        "nodes": [
            dict(nodes[index], reads=[int(t) for t in op["inputs"]], writes=[int(t) for t in op["outputs"]])
            for index, op in enumerate(operators)
        ],
        "executed": [dict(entry, delegated=index in delegated) for index, entry in enumerate(nodes)],
        "tensors": tensors,
        "delegate": {
            "name": "XNNPACK",
            "partitions": len(partitions),
            "delegated": len(delegated),
            "undelegated": undelegated,
        },
    }


def inspect_openvino(runtime: OpenVINO) -> Json:
    """The operators of an IR file, and those of the CPU plugin's execution graph that ran (others are folded away)."""
    nodes, tensors = [], []
    fed = set()  # type: set[str]
    for op in runtime.network.get_ordered_ops():
        kind = op.get_type_name()
        # Weights of an int8 file are computed from constants: not data that a device moves at every inference.
        if kind == "Parameter" or any(source.get_node().friendly_name in fed for source in op.input_values()):
            fed.add(op.friendly_name)
        for output in op.outputs():
            shape = list(output.shape) if output.partial_shape.is_static else None
            element = output.element_type
            tensors.append(
                {
                    "id": tensor_id(output),
                    "name": op.friendly_name,
                    "shape": shape,
                    "dtype": numpy_name(element.get_type_name()),
                    "constant": kind == "Constant",
                    "depends_on_input": op.friendly_name in fed,
                    "bytes": None if shape is None else (product(shape) * element.bitwidth + 7) // 8,
                }
            )
        if kind not in ("Constant", "Parameter", "Result"):
            nodes.append(
                {
                    "type": kind,
                    "name": op.friendly_name,
                    "inputs": [numpy_name(i.get_element_type().get_type_name()) for i in op.inputs()],
                    "outputs": [numpy_name(o.get_element_type().get_type_name()) for o in op.outputs()],
                    "reads": [tensor_id(source) for source in op.input_values()],
                    "writes": [tensor_id(output) for output in op.outputs()],
                }
            )
    executed = []
    for op in runtime.compiled.get_runtime_model().get_ordered_ops():
        kind = runtime_fact(op, "layerType")
        if runtime_fact(op, "execTimeMcs") != "not_executed":
            sources = [op.input(i).get_source_output() for i in range(op.get_input_size())]
            executed.append(
                {
                    "type": kind,
                    "name": op.friendly_name,
                    "inputs": [output_types(source.get_node())[source.get_index()] for source in sources],
                    "outputs": output_types(op),
                    "kernel": runtime_fact(op, "primitiveType"),
                    "precision": numpy_name(runtime_fact(op, "runtimePrecision")),
                }
            )
    return {"nodes": nodes, "executed": executed, "tensors": tensors, "delegate": None}


def tensor_id(output: Any) -> str:
    """What no other tensor of the network is called: friendly names need not be unique."""
    return "{}:{}".format(output.get_node().get_name(), output.get_index())


def runtime_fact(op: Any, key: str) -> str:
    """A text from the execution graph's annotations."""
    value = op.get_rt_info()[key]
    return str(value.astype(str) if hasattr(value, "astype") else value)


def output_types(op: Any) -> List[str]:
    """Element types that an executed node really writes; its ports still show those of the original graph.

    A split names the one type of all its outputs once.
    """
    names = [numpy_name(name) for name in runtime_fact(op, "outputPrecisions").split(",")]
    return names * op.get_output_size() if len(names) == 1 else names


def product(shape: Sequence[int]) -> int:
    """Elements of a shape."""
    count = 1
    for dim in shape:
        count *= int(dim)
    return count


# Measuring ---------------------------------------------------------------------------------------------------------


def relative_half_width(samples: Sequence[int]) -> Optional[float]:
    """Half-width of the median's 95 % interval by order statistics, over the median; None below 8 samples."""
    ordered, n = sorted(samples), len(samples)
    low = math.floor((n - 1.96 * math.sqrt(n)) / 2)
    high = math.ceil(1 + (n + 1.96 * math.sqrt(n)) / 2)
    if low < 1 or high > n:
        return None
    median = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2.0
    return (ordered[high - 1] - ordered[low - 1]) / 2.0 / median if median > 0 else None


def sample(run: Callable[[], Any], into: List[int], start: int, stop: int, deadline: int) -> int:
    """Time single inferences into ``into[start:stop]`` until ``deadline`` (perf_counter_ns); the count filled."""
    clock = time.perf_counter_ns
    index = start
    while index < stop:
        begin = clock()
        run()
        end = clock()
        into[index] = end - begin
        index += 1
        if end > deadline:
            break
    return index


def warm_up(run: Callable[[], Any], request: Json, max_s: float) -> List[int]:
    """At least ``warmup_min_iterations`` and ``warmup_min_s``, ended by ``max_s``; nanoseconds each."""
    least, least_ns = request.get("warmup_min_iterations", 10), int(request.get("warmup_min_s", 0.5) * 1e9)
    taken = []  # type: List[int]
    begin = time.perf_counter_ns()
    while True:
        buffer = [0]
        sample(run, buffer, 0, 1, begin)
        taken += buffer
        elapsed = time.perf_counter_ns() - begin
        if (len(taken) >= least and elapsed >= least_ns) or elapsed > max_s * 1e9:
            return taken


def measure(run: Callable[[], Any], request: Json, max_s: float) -> Tuple[List[int], str]:
    """Samples, nanoseconds each, and what ended them: "precision", "time" or "iterations"."""
    least, least_ns = request.get("min_iterations", 50), int(request.get("min_s", 1.0) * 1e9)
    most, target = request.get("max_iterations", 20000), request.get("target_half_width", 0.01)
    samples = [0] * most
    begin = time.perf_counter_ns()
    deadline = begin + int(max_s * 1e9)
    count = 0
    while True:
        # Sorting disturbs the caches, so look only after each tenth more.
        goal = min(most, max(least, count + max(10, count // 10)))
        count = sample(run, samples, count, goal, deadline)
        now = time.perf_counter_ns()
        if now > deadline:
            return samples[:count], "time"
        if now - begin >= least_ns:
            width = relative_half_width(samples[:count])
            if width is not None and width < target:
                return samples[:count], "precision"
        if count >= most:
            return samples[:count], "iterations"


def slowed(run: Callable[[], Any], handicap: Json) -> Callable[[], Any]:
    """``run``, or ``run`` and then ``busy_ns`` of doing nothing useful: for tests of what watches the latency."""
    busy_ns, clock = handicap.get("busy_ns", 0), time.perf_counter_ns
    if not busy_ns:
        return run

    def run_slowly() -> None:
        run()
        until = clock() + busy_ns
        while clock() < until:
            pass

    return run_slowly


def bench(request: Json) -> Json:
    """``bench``: the latency of one inference; raw samples, nanoseconds.

    Takes runtime, model, threads, inference_precision, input or seed, and the limits read in :func:`warm_up` and
    :func:`measure` with ``max_s`` for each of the two. With ``energy`` the counters of :func:`energy_counters` are
    read around the measured inferences, and over ``IDLE_S`` of doing nothing before all else; a battery that discharges
    is watched over inferences of its own afterwards, ``gauge_window_s`` at most, and at rest, ``gauge_rest_s`` at most,
    before all else (see :class:`BatteryMeter`). ``handicap`` exists to
    test the gate: ``busy_ns`` is added to every inference, ``threads`` replaces the stated number, ``no_delegate``
    takes XNNPACK from LiteRT. Value: load_ns, first_inference_ns, warmup_ns, samples_ns, ended_by, half_width,
    settings, versions, info, affinity, energy (list of ``{domain, spent_uj, window_s, idle_w}``, of a battery with
    ``inferences`` and ``updates``, or None, and in energy_note why what is there tells nothing), state_before,
    state_after.
    """
    max_s = request.get("max_s", 20.0)
    handicap = request.get("handicap", {})
    runtime = make_runtime(dict(request, threads=handicap.get("threads", request.get("threads", 1))))
    if isinstance(runtime, LiteRT):
        runtime.no_delegate = bool(handicap.get("no_delegate"))
    meter, idle_w = (EnergyMeter() if request.get("energy") else None), {}  # type: Optional[EnergyMeter], Dict[str, float]
    if meter is not None and meter.folders:
        emit({"event": "energy at rest"})
        idle_w = power_at_rest(meter)
    battery, battery_w = None, {}  # type: Optional[BatteryMeter], Dict[str, float]
    if request.get("energy"):
        battery = BatteryMeter(request.get("gauge_window_s", GAUGE_WINDOW_S), request.get("gauge_rest_s", GAUGE_REST_S))
        if battery.names:
            emit({"event": "battery at rest"})
            battery_w = battery.rest()
    before = state()
    emit({"event": "load"})
    load_ns = load_model(runtime, request)
    set_inputs(runtime, request)
    run_once = slowed(runtime.run, handicap)
    first = [0]
    sample(run_once, first, 0, 1, 0)
    runtime.prove(request["model"])
    gc.collect()
    gc.disable()
    try:
        emit({"event": "warm-up"})
        warmup = warm_up(run_once, request, max_s)
        emit({"event": "measure"})
        if meter is not None:
            meter.start()
        samples, ended_by = measure(run_once, request, max_s)
        spent, window_s = meter.stop() if meter is not None else ({}, 0.0)
    finally:
        gc.enable()
    after = state()
    energy = [
        {"domain": name, "spent_uj": spent[name], "window_s": window_s, "idle_w": idle_w.get(name)} for name in spent
    ]
    notes = [] if energy or meter is None else [energy_note()]
    if battery is not None:
        if battery.names:
            emit({"event": "battery"})
        energy += battery.spent(run_once, battery_w)
        notes.append(battery.note())
    return {
        "runtime_version": runtime.version,
        "settings": runtime.settings,
        "delegation": runtime.delegation,
        "load_ns": load_ns,
        "first_inference_ns": first[0],
        "warmup_ns": warmup,
        "samples_ns": samples,
        "ended_by": ended_by,
        "half_width": relative_half_width(samples),
        "state_before": before,
        "state_after": after,
        "info": machine(),
        "affinity": affinity(),
        "energy": energy or None,
        "energy_note": "; ".join(note for note in notes if note),
        "versions": versions(),
    }


IDLE_S = 1.0
"""How long the machine is left alone to see what it takes at rest."""


def power_at_rest(meter: EnergyMeter) -> Dict[str, float]:
    """Watts by domain while this process sleeps; what else runs here is in it."""
    meter.start()
    time.sleep(IDLE_S)
    spent, seconds = meter.stop()
    return {name: spent[name] / 1e6 / seconds for name in spent}


def sustained(request: Json) -> Json:
    """``sustained``: inferences without a pause for ``duration_s``, in windows of ``window_s``.

    Value: points, a list of ``{t_s, latency_ns, count, temperature_c, clock_mhz, throttled}``: middle of the window
    from the first inference on, its median, its inferences, and the hottest sensor, fastest clock and throttle flags
    at its end, each None where there is nothing to read. Reading them takes some milliseconds between two windows.
    """
    duration_s, window_s = float(request["duration_s"]), float(request.get("window_s", 1.0))
    runtime = make_runtime(request)
    load_model(runtime, request)
    set_inputs(runtime, request)
    points = []  # type: List[Json]
    buffer = [0] * 100000
    gc.collect()
    gc.disable()
    try:
        begin = time.perf_counter_ns()
        end = begin + int(duration_s * 1e9)
        while True:
            start = time.perf_counter_ns()
            if start >= end:
                break
            # One inference at least, however long it takes; and room for all that a window holds, however short.
            until, count = min(end, start + int(window_s * 1e9)), 0
            while count == 0 or (count == len(buffer) and time.perf_counter_ns() < until):
                if count:
                    buffer += [0] * len(buffer)
                count = sample(runtime.run, buffer, count, len(buffer), until)
            stop = time.perf_counter_ns()
            now = state()
            points.append({
                "t_s": ((start + stop) / 2 - begin) / 1e9,
                "latency_ns": middle(buffer[:count]),
                "count": count,
                "temperature_c": max(now["temperature_c"].values()) if now["temperature_c"] else None,
                "clock_mhz": max(now["clock_khz"].values()) / 1000.0 if now["clock_khz"] else None,
                "throttled": now["throttled"],
            })  # fmt: skip
            if len(points) % 10 == 0:
                done = (stop - begin) / 1e9
                emit({"event": "%.0f of %.0f s, %.2f ms" % (done, duration_s, points[-1]["latency_ns"] / 1e6)})
    finally:
        gc.enable()
    return {"points": points}


PROFILE_SKIP = 5
"""Inferences before those whose operators are timed: the first ones set up kernels."""


def per_op(request: Json) -> Json:
    """``per_op``: time of each executed operator over ``runs`` inferences, by the runtime's own profiler.

    A launch of its own, because profiling slows the inference. Value: per_op (list of ``{name, type, ns}`` in order
    of execution, or None) and note (why None, else empty).
    """
    runtime = make_runtime(request)
    runs = request.get("runs", 50)
    if isinstance(runtime, LiteRTGpu):
        return {"per_op": None, "note": "LiteRT tells no times of the operators on a GPU"}
    if isinstance(runtime, OnnxRuntimeGpu):
        return {"per_op": None, "note": "ONNX Runtime tells no times of the operators on " + runtime.provider_name}
    if isinstance(runtime, LiteRT) and runtime.package != "ai-edge-litert":
        return {"per_op": None, "note": runtime.package + " cannot time operators"}
    with tempfile.TemporaryDirectory(prefix="edgekit-agent-") as folder:
        load_model(runtime, request, folder)
        set_inputs(runtime, request)
        if isinstance(runtime, OnnxRuntime):
            times = operators_onnxruntime(runtime, runs)
        elif isinstance(runtime, LiteRT):
            times = operators_litert(runtime, runs, request["model"])
        else:
            assert isinstance(runtime, OpenVINO)
            times = operators_openvino(runtime, runs)
    return {"per_op": times, "note": ""}


def operators_onnxruntime(runtime: OnnxRuntime, runs: int) -> List[Json]:
    """Median of each kernel's events."""
    for _ in range(PROFILE_SKIP + runs):
        runtime.run()
    taken = {}  # type: Dict[Any, List[Json]]
    for event in runtime.kernels():
        taken.setdefault((event["args"].get("node_index"), event["name"]), []).append(event)
    return [
        {
            "name": events[0]["name"][: -len("_kernel_time")],
            "type": events[0]["args"]["op_name"],
            "ns": middle([event["dur"] * 1000 for event in events[PROFILE_SKIP:]]),
        }
        for events in taken.values()
    ]


def operators_openvino(runtime: OpenVINO, runs: int) -> List[Json]:
    """Mean of each executed node: a difference, as the plugin tells the mean since loading, in whole microseconds."""

    def totals(count: int) -> List[float]:
        # Half a microsecond on top, because the plugin rounds down.
        return [count * (entry.real_time.total_seconds() * 1e9 + 500) for entry in runtime.request.profiling_info]

    for _ in range(PROFILE_SKIP):
        runtime.run()
    before = totals(PROFILE_SKIP)
    for _ in range(runs):
        runtime.run()
    after = totals(PROFILE_SKIP + runs)
    return [
        {"name": entry.node_name, "type": entry.node_type, "ns": max(0, round((last - first) / runs))}
        for entry, first, last in zip(runtime.request.profiling_info, before, after)  # noqa: B905  (Python 3.10)
        if "NOT_RUN" not in str(entry.status)
    ]


def operators_litert(runtime: LiteRT, runs: int, model: str) -> List[Json]:
    """Median of each operator, whether of the interpreter or inside the delegate."""
    profiler = LiteRTProfiler(runtime, model)
    taken = [profiler.run() for _ in range(PROFILE_SKIP + runs)][PROFILE_SKIP:]
    return [
        {"name": name, "type": kind, "ns": middle([one[index][2] for one in taken])}
        for index, (name, kind, _) in enumerate(taken[0])
    ]


def middle(values: List[int]) -> int:
    """The upper median."""
    return sorted(values)[len(values) // 2]


class LiteRTMemoryUsage(ctypes.Structure):
    """Part of :class:`LiteRTEvent`."""

    _fields_ = [("total", ctypes.c_int64), ("allocated", ctypes.c_size_t), ("in_use", ctypes.c_size_t)]


class LiteRTEvent(ctypes.Structure):
    """``ProfiledEventData`` of LiteRT's C interface."""

    _fields_ = [
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory_before", LiteRTMemoryUsage),
        ("memory_after", LiteRTMemoryUsage),
        ("operator", ctypes.c_uint64),
        ("subgraph", ctypes.c_uint64),
        ("source", ctypes.c_int),
    ]


LITERT_OPERATOR, LITERT_DELEGATE_OPERATORS = 2, (4, 8)
"""Event types: an operator of the interpreter, and one inside a delegate."""


class LiteRTProfiler:
    """LiteRT's own profiler, which only its C interface offers; it sees inside the XNNPACK delegate.

    It needs a compiled model, so the model is opened a second time, with the same threads. On a Cortex-A72 that dies
    with SIGILL (LiteRT 2.3), which is one reason why operators are timed in a launch of their own.
    """

    def __init__(self, runtime: LiteRT, path: str) -> None:
        self.version = runtime.version
        spec = importlib.util.find_spec("ai_edge_litert")
        folder = next(iter(spec.submodule_search_locations or [""])) if spec else ""
        self.library = ctypes.CDLL(os.path.join(folder, "libLiteRt.so"))
        libc = ctypes.CDLL(None)
        libc.strdup.restype, libc.strdup.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
        free = ctypes.cast(libc.free, ctypes.c_void_p)

        environment = self.create("LiteRtCreateEnvironment", ctypes.c_int(0), None)
        model = self.create("LiteRtCreateModelFromFile", environment, path.encode())
        options = self.create("LiteRtCreateOptions")
        self.call("LiteRtSetOptionsHardwareAccelerators", options, ctypes.c_int(1))  # the CPU
        settings = {
            "runtime_options_string": "enable_profiling = true",
            "xnnpack": "num_threads = %d" % runtime.threads,
        }
        for name, toml in settings.items():
            payload = ctypes.c_void_p(libc.strdup(toml.encode()))
            opaque = self.create("LiteRtCreateOpaqueOptions", name.encode(), payload, free)
            self.call("LiteRtAddOpaqueOptions", options, opaque)
        self.model = self.create("LiteRtCreateCompiledModel", environment, model, options)
        self.profiler = self.create("LiteRtCompiledModelGetProfiler", self.model)
        signature = self.create("LiteRtGetModelSignature", model, ctypes.c_size_t(0))
        self.buffers = {}  # type: Dict[str, Any]
        for side, count in (("Input", len(runtime.inputs)), ("Output", len(runtime.outputs))):
            made = [self.buffer(side, index, environment, signature) for index in range(count)]
            self.buffers[side] = (ctypes.c_void_p * count)(*made)
        for index, buffer in enumerate(self.buffers["Input"]):
            # The interpreter holds the input that the request means.
            data = runtime.interpreter.get_tensor(runtime.input_details[index]["index"]).tobytes()
            address = self.create("LiteRtLockTensorBuffer", ctypes.c_void_p(buffer), after=(ctypes.c_int(1),))
            ctypes.memmove(address, data, len(data))
            self.call("LiteRtUnlockTensorBuffer", ctypes.c_void_p(buffer))

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that returns a status."""
        function = getattr(self.library, name)
        function.restype = ctypes.c_int
        status = function(*arguments)
        if status != 0:
            raise AgentError("model", "LiteRT %s: %s failed with status %d" % (self.version, name, status))

    def create(self, name: str, *arguments: Any, after: Tuple[Any, ...] = ()) -> ctypes.c_void_p:
        """Call a function that writes a pointer, which is its last argument but for ``after``."""
        made = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(made), *after)
        return made

    def buffer(self, side: str, index: int, environment: Any, signature: Any) -> Any:
        """Memory for one input or output."""
        number = ctypes.c_size_t(index)
        tensor = self.create("LiteRtGetSignature%sTensorByIndex" % side, signature, number)
        kind = ctypes.create_string_buffer(1024)  # a LiteRtRankedTensorType, and room to spare
        self.call("LiteRtGetRankedTensorType", tensor, kind)
        needs = self.create("LiteRtGetCompiledModel%sBufferRequirements" % side, self.model, ctypes.c_size_t(0), number)
        return self.create("LiteRtCreateManagedTensorBufferFromRequirements", environment, kind, needs)

    def run(self) -> List[Tuple[str, str, int]]:
        """Name, type and nanoseconds of every operator of one inference, in order; LiteRT counts whole microseconds."""
        inputs, outputs = self.buffers["Input"], self.buffers["Output"]
        self.call("LiteRtResetProfiler", self.profiler)
        self.call("LiteRtStartProfiler", self.profiler)
        begin = time.perf_counter_ns()
        self.call(
            "LiteRtRunCompiledModel", self.model, ctypes.c_size_t(0),
            ctypes.c_size_t(len(inputs)), inputs, ctypes.c_size_t(len(outputs)), outputs,
        )  # fmt: skip
        elapsed = time.perf_counter_ns() - begin
        self.call("LiteRtStopProfiler", self.profiler)
        count = ctypes.c_int()
        self.call("LiteRtGetNumProfilerEvents", self.profiler, ctypes.byref(count))
        events = (LiteRTEvent * (2 * count.value + 1))()  # twice the room, should a newer LiteRT's events be larger
        self.call("LiteRtGetProfilerEvents", self.profiler, count, events)
        found = []
        for event in events[: count.value]:
            if event.type == LITERT_OPERATOR or event.type in LITERT_DELEGATE_OPERATORS:
                where = "operator" if event.type == LITERT_OPERATOR else "delegate operator"
                found.append(("%s %d" % (where, event.operator), event.tag.decode(), event.elapsed_us * 1000))
        if not found or sum(ns for _, _, ns in found) > elapsed:
            raise AgentError("model", "the events of LiteRT %s's profiler do not add up" % self.version)
        return found


def peak_memory() -> Tuple[Optional[int], str]:
    """The process's highest resident size so far, bytes, and where that comes from."""
    found = re.search(r"^VmHWM:\s*(\d+) kB", read_text("/proc/self/status") or "", re.MULTILINE)
    if found:
        return int(found.group(1)) * 1024, "VmHWM"
    # ru_maxrss may hold the size of the process that started us, so it comes second.
    try:
        import resource
    except ImportError:
        return None, "unavailable"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024), "ru_maxrss"


def memory(request: Json) -> Json:
    """``memory``: peak resident size with the runtime imported, and after loading and a few inferences, bytes."""
    runtime = make_runtime(request)
    importlib.import_module("numpy")  # random inputs need it; it is not the model's memory

    baseline, source = peak_memory()
    load_model(runtime, request)
    set_inputs(runtime, request)
    for _ in range(5):
        runtime.run()
    return {"baseline_rss_bytes": baseline, "peak_rss_bytes": peak_memory()[0], "source": source}


MATRICES = [256, 384, 512]
"""Rows of the square matrices whose product shows the float32 peak; small, so that some run between interruptions."""
FOOTPRINTS = [1 << power for power in range(18, 29, 2)]
"""Bytes gone through by a copy, source and copy together: 256 KB to 256 MB, from a core's cache to memory."""
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS")


def roofline(request: Json) -> Json:
    """``roofline``: the most that this machine does: float32 MACs a second, and bytes a second by footprint.

    Takes threads (of the product; a copy has one) and ``max_s`` of each of the two. The best of the repetitions counts:
    what disturbs can only make it slower. Value: threads, fp32_macs_per_s, blas, bandwidth (list of ``{footprint_bytes,
    bytes_per_s}``, read and written bytes both counted), info, state_before, state_after.
    """
    threads, max_s = request.get("threads", 1), request.get("max_s", 2.0)
    if not isinstance(threads, int) or threads < 1:
        raise AgentError("request", "threads must be a whole number from 1, got %r" % (threads,))
    for name in BLAS_THREADS:  # read once, when numpy loads its BLAS
        os.environ[name] = str(threads)
    import numpy as np

    before = state()
    generator = np.random.RandomState(0)
    peak = 0.0
    for size in MATRICES:
        left, right = (generator.random_sample((size, size)).astype(np.float32) for _ in range(2))
        product = np.empty_like(left)
        seconds = best_seconds(lambda: np.matmul(left, right, out=product), max_s / len(MATRICES))  # noqa: B023
        peak = max(peak, size**3 / seconds)
    # A copy is only as good as the memory that is free for it.
    most = (room()["memory_bytes"] or FOOTPRINTS[-1] * 4) // 4
    rows = []
    for footprint in [size for size in FOOTPRINTS if size <= most]:
        source = np.ones(footprint // 2, np.uint8)
        target = np.empty_like(source)
        copied = best_seconds(lambda: np.copyto(target, source), max_s / len(FOOTPRINTS))  # noqa: B023
        rows.append({"footprint_bytes": footprint, "bytes_per_s": footprint / copied})
    return {
        "threads": threads,
        "fp32_macs_per_s": peak,
        "blas": "numpy %s's BLAS" % np.__version__,
        "bandwidth": rows,
        "info": machine(),
        "state_before": before,
        "state_after": state(),
    }


def best_seconds(work: Callable[[], Any], max_s: float) -> float:
    """The shortest of at least three calls, as many as ``max_s`` allows; the first, which warms up, is left out."""
    work()
    taken = []  # type: List[int]
    deadline = time.perf_counter_ns() + int(max_s * 1e9)
    while len(taken) < 3 or time.perf_counter_ns() < deadline:
        begin = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - begin)
    return min(taken) / 1e9


# The protocol ------------------------------------------------------------------------------------------------------

COMMANDS = {"info": info, "state": state, "guard": guard, "install": install, "run": run, "inspect": inspect,
            "bench": bench, "sustained": sustained, "per_op": per_op, "memory": memory,
            "roofline": roofline}  # type: Dict[str, Callable[[Json], Json]]  # fmt: skip

PROTOCOL = [1]
"""The file descriptor of the JSON lines; :func:`keep_protocol` moves it away from what native libraries print to."""


def emit(message: Json) -> None:
    """Write one JSON line."""
    data = (json.dumps(message) + "\n").encode()
    while data:
        data = data[os.write(PROTOCOL[0], data) :]


def answer(request: Json) -> Json:
    """Carry out a request."""
    command = request.get("command")
    if command not in COMMANDS:
        raise AgentError("request", "unknown command %r; known: %s" % (command, ", ".join(COMMANDS)))
    pin(request)
    return COMMANDS[command](request)


def read_request(arguments: List[str]) -> Json:
    """The request in the file that the command line names."""
    if len(arguments) != 1:
        raise AgentError("request", "usage: python agent.py REQUEST.json")
    with open(arguments[0]) as stream:
        request = json.load(stream)
    if not isinstance(request, dict):
        raise AgentError("request", "a request is a JSON object, got %s" % type(request).__name__)
    return request


def keep_protocol() -> None:
    """From now on only :func:`emit` writes to stdout; what native libraries print there goes to stderr."""
    PROTOCOL[0] = os.dup(1)
    os.dup2(2, 1)


def main(arguments: List[str]) -> int:
    """Answer the request in the file ``arguments[0]``; the exit code."""
    keep_protocol()
    try:
        emit({"ok": True, "value": answer(read_request(arguments))})
        return 0
    except AgentError as error:
        emit({"ok": False, "kind": error.kind, "message": str(error)})
    except Exception as error:  # noqa: BLE001  (the other side must hear of anything)
        traceback.print_exc()
        emit({"ok": False, "kind": type(error).__name__, "message": type(error).__name__ + ": " + first_line(error)})
    return 1


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # The answer is out; some native runtimes crash while the interpreter shuts down.
    sys.stderr.flush()
    os._exit(code)
