"""The plugin of QEMU that counts: compiled on first use for the QEMU that is here, and kept.

Its source is GPL-2.0-or-later, as QEMU's plugin interface is: a file of its own, compiled on the user's machine, that
runs in QEMU's process alone. Nothing of edgekit links with it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from ..base.folders import counting_folder
from ..errors import ToolError
from .elf import read_image

QEMU = {"aarch64": "qemu-aarch64", "x86_64": "qemu-x86_64"}
"""Which program plays which machine."""
Machine = Literal["aarch64", "x86_64"]
SOURCES = ("edgekit_classes.c", "edgekit_count.c")
"""One after the other: one program."""
COMPILERS = ("cc", "gcc", "clang")
OLDEST = (7, 0)
"""Before this QEMU has no Cortex-A76."""
APIS = (((9, 1), 3), ((9, 0), 2), (OLDEST, 1))
"""The first QEMU of each version of the plugin interface, the newest first."""
FLAGS = ("-O2", "-shared", "-fPIC")
COMPILE_S = 120.0


@dataclass(frozen=True)
class Emulator:
    """The QEMU that is here: its file, and its version."""

    path: Path
    version: str

    @property
    def api(self) -> int:
        """Version of the plugin interface, as the source takes it."""
        return api_of(self.version)


def api_of(version: str) -> int:
    """The plugin interface of QEMU ``version``.

    Raises:
        ToolError: it is too old, or no version.
    """
    found = re.match(r"(\d+)\.(\d+)", version)
    numbers = (int(found[1]), int(found[2])) if found else (0, 0)
    for first, api in APIS:
        if numbers >= first:
            return api
    raise ToolError(
        f"counting takes QEMU {OLDEST[0]}.{OLDEST[1]} or newer, this one is {version or 'of an unknown version'}",
        "install a newer qemu-user",
    )


def named_emulator(machine: Machine) -> str:
    """What to look for: ``$EDGEKIT_QEMU``, or the program beside it that plays another machine."""
    named = os.environ.get("EDGEKIT_QEMU")
    if not named:
        return QEMU[machine]
    return named if machine == "aarch64" else str(Path(named).with_name(QEMU[machine]))


def find_emulator(machine: Machine = "aarch64") -> Emulator:
    """The QEMU of this machine that can load a plugin and plays ``machine``.

    Raises:
        ToolError: there is none, it is linked statically, or it does not tell its version.
    """
    named = named_emulator(machine)
    found = shutil.which(named)
    if found is None:
        raise ToolError(f"counting needs {named}, which is not installed (qemu-user-static has no plugins)",
                        "apt-get install qemu-user")  # fmt: skip
    path = Path(found).resolve()
    if path.read_bytes()[:4] == b"\x7fELF" and not read_image(path, symbols=False).dynamic:
        raise ToolError(
            f"{path} is linked statically: such a QEMU cannot load a plugin",
            "install a dynamically linked one (Debian 12: apt-get install qemu-user), or name it: EDGEKIT_QEMU=PATH",
        )
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(
            f"{path} --version does not answer: {error}", "is it QEMU? name another: EDGEKIT_QEMU"
        ) from error
    version = re.search(r"version (\d+\.\d+(?:\.\d+)?)", told)
    if version is None:
        raise ToolError(f"{path} --version says no version: {told[:200]!r}", "name another QEMU: EDGEKIT_QEMU=PATH")
    return Emulator(path, version[1])


def find_compiler() -> list[str]:
    """The command of this machine's C compiler: ``$CC``, else the first that there is.

    Raises:
        ToolError: there is none.
    """
    named = shlex.split(os.environ.get("CC", ""))
    if named and shutil.which(named[0]):
        return named
    for compiler in COMPILERS:
        if shutil.which(compiler):
            return [compiler]
    tried = [*named[:1], *COMPILERS]
    raise ToolError(f"counting compiles its plugin of QEMU once, and there is no C compiler ({', '.join(tried)})",
                    "apt-get install gcc libc6-dev")  # fmt: skip


def source() -> bytes:
    """The plugin's source."""
    return b"".join((files(__package__) / "plugin" / name).read_bytes() for name in SOURCES)


def source_digest() -> str:
    """The first digits of its sha256: which plugin has counted."""
    return hashlib.sha256(source()).hexdigest()[:12]


def plugin_path(emulator: Emulator) -> Path:
    """Where the plugin for a QEMU is kept."""
    return counting_folder() / f"plugin-{source_digest()}-api{emulator.api}.so"


def compiled(emulator: Emulator) -> Path:
    """The plugin for ``emulator``, compiled when it is not there.

    Raises:
        ToolError: there is no compiler, or it fails.
    """
    final = plugin_path(emulator)
    if final.is_file():
        return final
    compiler = find_compiler()
    final.parent.mkdir(parents=True, exist_ok=True)
    made = final.with_suffix(f".{os.getpid()}.part")
    command = [*compiler, *FLAGS, f"-DEDGEKIT_QEMU_API={emulator.api}", "-x", "c", "-", "-o", str(made)]
    try:
        done = subprocess.run(command, input=source(), capture_output=True, timeout=COMPILE_S, check=False)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-2000:]
            raise ToolError(
                f"{shlex.join(command)} failed:\n{said}", "does the compiler work? apt-get install gcc libc6-dev"
            )
        made.replace(final)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"compiling the plugin of QEMU failed: {error}", "name another compiler: CC=PATH") from error
    finally:
        made.unlink(missing_ok=True)
    return final
