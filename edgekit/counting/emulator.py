"""A simulated board as a transport (edgekit.bench.launch): the agent under QEMU with the plugin that counts.

On x86 QEMU plays a core with AVX2 to this machine's own Python and runtimes. For ARM:

No namespace, no root, no binfmt: QEMU looks for every path below a folder of ours first (``-L``), where the board's
``/sys`` and ``/proc/cpuinfo`` are files and the rest leads to the system of the emulated boards. Models and requests
are where they are. So it runs in a container and on a hosted runner as it runs here.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.files import staged_folder
from ..base.folders import counting_folder
from ..base.inside import inside
from ..base.progress import Progress
from ..devices.virtual.boards import VirtualBoard
from ..devices.virtual.build import BUILD_TOOLS, PYTHON, SITE, build_system, locked
from ..devices.virtual.files import cpuinfo, sys_files, write_files
from ..errors import EdgekitError, ToolError
from .plugin_file import Emulator, compiled, find_emulator

SYSTEM = ("bin", "etc", "lib", "sbin", "usr")
"""Folders of the emulated boards' system that the tree of a board leads to."""
OUTPUT = "counts.txt"
LEFT_OUT = "-invpcid,-pcid,-tsc-deadline,-x2apic"
"""Features of the CPU that QEMU does not play, none of which a program sees."""


@dataclass(frozen=True)
class Ready:
    """What counting on a board takes: QEMU, its plugin, the tree of files."""

    board: VirtualBoard
    emulator: Emulator
    plugin: Path
    tree: Path


def prepare(board: VirtualBoard, progress: Progress) -> Ready:
    """Make a simulated board ready: QEMU found, the plugin compiled, the system built, its tree of files made.

    Raises:
        ToolError: something is missing here, and the hint says how to get it.
    """
    if board.machine == "x86_64" and platform.machine() != "x86_64":
        raise ToolError(
            f"{board.name} counts what this machine's own Python runs, which is {platform.machine()}, not x86-64",
            "name a simulated board of ARM: edgekit devices list",
        )
    emulator = find_emulator(board.machine)
    plugin = compiled(emulator)
    if board.machine == "x86_64":
        return Ready(board, emulator, plugin, Path("/"))
    return Ready(board, emulator, plugin, file_tree(board, build_system(progress, BUILD_TOOLS)))


def file_tree(board: VirtualBoard, system: Path) -> Path:
    """The folder below which QEMU looks for paths first, made when it is not there."""
    final = inside(counting_folder(), f"{board.name}-{system.name}", field="the board's name")
    if final.is_dir():
        return final
    with locked(counting_folder() / ".lock"):
        if not final.is_dir():
            with staged_folder(final) as tree:
                for name in SYSTEM:
                    (tree / name).symlink_to(system / name)
                write_files(tree / "sys", sys_files(board))
                write_files(tree / "proc", {"cpuinfo": cpuinfo(board).rstrip("\n")})
    return final


def data_caches(board: VirtualBoard) -> str:
    """The board's data caches as the plugin takes them, the first level first."""
    levels = sorted((level, size, ways) for level, kind, size, ways in board.caches if kind != "Instruction")
    return "+".join(f"{size}:{ways}" for _, size, ways in levels)


def escaped(path: Path) -> str:
    """A path as QEMU takes it in an option of several parts."""
    return str(path).replace(",", ",,")


class SimulatedMachine:
    """Runs the agent on a simulated board; files stay where they are.

    Attributes:
        output: where the plugin writes the counts of the next launch.
    """

    where = ""
    mark = b""

    def __init__(self, ready: Ready, folder: Path, threads: int = 1) -> None:
        self.ready, self.folder, self.threads = ready, folder, threads
        self.output = folder / OUTPUT

    def deliver(self, files: Sequence[Path]) -> list[str]:
        """The absolute paths of ``files``."""
        return [str(path.resolve()) for path in files]

    @property
    def plugin(self) -> str:
        """The plugin with its options, as QEMU takes it."""
        options = f"out={escaped(self.output)},caches={data_caches(self.ready.board)}"
        return f"{escaped(self.ready.plugin)},{options}" + (",threads=on" if self.threads > 1 else "")

    def command(self, program: str, argument: str) -> list[str]:
        """QEMU with the plugin, which runs the board's Python with ``program``; on x86 this one."""
        if self.ready.board.machine == "x86_64":
            return self.command_here(program, argument)
        tree, home = self.ready.tree, f"/usr/bin/python{PYTHON}"
        inside = {
            "PYTHONHOME": "/usr",
            "PYTHONPATH": f"/{SITE}",
            "PYTHONHASHSEED": "0",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
        }
        # An environment of its own: nothing of the user's may change what is counted. -S: no packages of the host's.
        return [
            "env", "-i", f"PATH={os.defpath}", str(self.ready.emulator.path), "-L", str(tree),
            "-cpu", self.ready.board.cpu, "-seed", "1", "-0", home,
            *(word for key, value in inside.items() for word in ("-E", f"{key}={value}")),
            "-plugin", self.plugin, f"{tree}{home}", "-S", "-s", program, argument,
        ]  # fmt: skip

    def command_here(self, program: str, argument: str) -> list[str]:
        """QEMU with the plugin, which runs this Python with the runtimes that are installed beside it."""
        inside = {"PYTHONHASHSEED": "0", "HOME": str(self.folder), "TMPDIR": str(self.folder), "LANG": "C.UTF-8"}
        return [
            "env", "-i", f"PATH={os.defpath}", *(f"{key}={value}" for key, value in inside.items()),
            str(self.ready.emulator.path), "-cpu", f"{self.ready.board.cpu}-noTSX,{LEFT_OUT}", "-seed", "1",
            "-plugin", self.plugin, sys.executable, "-s", program, argument,
        ]  # fmt: skip

    def place(self, here: Path) -> str:
        """The absolute path of ``here``."""
        return str(here.resolve())

    def fetch(self, there: str, here: Path) -> None:
        """Nothing to do: the file was written in its place."""

    def explain(self, what: str, code: int | None, said: str) -> EdgekitError | None:
        """What QEMU says when it does not load the plugin; other ends speak for themselves."""
        if "plugin" in said.lower() and code:
            ready = self.ready
            return ToolError(
                f"{what} failed: QEMU {ready.emulator.version} does not take the plugin:\n{said.strip()[-2000:]}",
                f"was QEMU exchanged? rm {ready.plugin}; QEMU 7.2 to 10 have the interface that it takes",
            )
        return None
