"""The ``/sys`` and ``/proc/cpuinfo`` of an emulated board, in the shape of a Raspberry Pi's.

Not decoration: OpenVINO aborts without ``regs/identification/midr_el1``, and hwloc crashes on half a topology.
"""

from __future__ import annotations

from pathlib import Path

from .boards import VirtualBoard

Files = dict[str, str]


def sys_files(board: VirtualBoard) -> Files:
    """Content of every file below ``/sys``, by its path there."""
    everyone = f"0-{board.cores - 1}"
    files = below("devices/system/cpu", dict.fromkeys(("possible", "present", "online"), everyone))
    files["devices/system/cpu/kernel_max"] = "255"
    for core in range(board.cores):
        folder = f"devices/system/cpu/cpu{core}"
        files[f"{folder}/online"] = "1"
        files[f"{folder}/regs/identification/midr_el1"] = f"0x{board.midr:016x}"
        files |= below(f"{folder}/cpufreq", clock(board))
        files |= below(f"{folder}/topology", topology(board, core))
        for number, cache in enumerate(board.caches):
            files |= below(f"{folder}/cache/index{number}", cache_facts(board, core, cache))
    files |= below("devices/system/node", dict.fromkeys(("possible", "online", "has_cpu", "has_memory"), "0"))
    memory = "Node 0 MemTotal:        3884340 kB\nNode 0 MemFree:         3000000 kB"
    node = {"meminfo": memory, "distance": "10", "cpulist": everyone, "cpumap": mask(range(board.cores))}
    files |= below("devices/system/node/node0", node)
    files |= below("class/thermal/thermal_zone0", {"type": "cpu-thermal", "temp": "48199"})
    files["devices/platform/soc/soc:firmware/get_throttled"] = "0"
    # Texts of the device tree end with a NUL, not with a newline.
    files["firmware/devicetree/base/model"] = board.model + "\0"
    files["firmware/devicetree/base/compatible"] = board.compatible
    return files


def below(folder: str, files: Files) -> Files:
    """``files`` with their paths inside ``folder``."""
    return {f"{folder}/{name}": text for name, text in files.items()}


def mask(cores: range) -> str:
    """A set of cores as the kernel's hexadecimal mask."""
    return f"{sum(1 << core for core in cores):x}"


def clock(board: VirtualBoard) -> Files:
    """The cpufreq folder of a core."""
    low, high = (str(khz) for khz in board.khz)
    return {
        "scaling_governor": "ondemand",
        "scaling_driver": "cpufreq-dt",
        "scaling_cur_freq": high,
        "scaling_min_freq": low,
        "scaling_max_freq": high,
        "cpuinfo_cur_freq": high,
        "cpuinfo_min_freq": low,
        "cpuinfo_max_freq": high,
        "affected_cpus": " ".join(map(str, range(board.cores))),
    }


def topology(board: VirtualBoard, core: int) -> Files:
    """The topology folder of a core: one package, one cluster, no threads."""
    everyone, own = range(board.cores), range(core, core + 1)
    return {
        "core_id": str(core),
        "physical_package_id": "0",
        "cluster_id": "0",
        "core_siblings": mask(everyone),
        "core_siblings_list": f"0-{board.cores - 1}",
        "package_cpus": mask(everyone),
        "die_cpus": mask(everyone),
        "core_cpus": mask(own),
        "thread_siblings": mask(own),
        "thread_siblings_list": str(core),
    }


def cache_facts(board: VirtualBoard, core: int, cache: tuple[int, str, int, int]) -> Files:
    """One index folder of a core's caches."""
    level, kind, kilobytes, ways = cache
    shared = level == max(entry[0] for entry in board.caches)
    line = 64
    return {
        "level": str(level),
        "type": kind,
        "size": f"{kilobytes}K",
        "ways_of_associativity": str(ways),
        "number_of_sets": str(kilobytes * 1024 // (ways * line)),
        "coherency_line_size": str(line),
        "shared_cpu_list": f"0-{board.cores - 1}" if shared else str(core),
        "shared_cpu_map": mask(range(board.cores) if shared else range(core, core + 1)),
    }


def cpuinfo(board: VirtualBoard) -> str:
    """The text of ``/proc/cpuinfo``."""
    variant, revision = board.midr >> 20 & 0xF, board.midr & 0xF
    core = (
        f"BogoMIPS\t: 108.00\nFeatures\t: {board.features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        f"CPU variant\t: {variant:#x}\nCPU part\t: {board.part:#x}\nCPU revision\t: {revision}\n\n"
    )
    cores = "".join(f"processor\t: {number}\n{core}" for number in range(board.cores))
    return f"{cores}Model\t\t: {board.model}\n"


def write_files(root: Path, files: Files) -> None:
    """Write ``files`` below ``root``; each gets the newline that the kernel ends its texts with."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.endswith("\0") else text + "\n")
