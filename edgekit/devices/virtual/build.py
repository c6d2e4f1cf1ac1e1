"""Build the system of the emulated boards: an aarch64 Debian 12 with Python and the runtimes.

By apt's own index of arm64 in a folder of its own, ``dpkg -x`` and pip's wheels of another platform: nothing is
emulated while building, and the host's package database is neither read nor changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...base.files import staged_folder, write_atomic
from ...base.folders import boards_folder
from ...base.processes.isolate import describe_exit, run_logged, tail
from ...base.processes.posix import take_lock
from ...base.progress import Progress, Step
from ...errors import ToolError

SUITE, PYTHON = "bookworm", "3.11"
PACKAGES = (
    "base-files", "base-passwd", "bash", "coreutils", "dash", "findutils", "grep", "gzip", "hostname", "libc-bin",
    "libgomp1", "libpython3.11-stdlib", "libstdc++6", "mount", "procps", "python3-minimal", "python3.11-minimal", "sed",
    "tar", "util-linux",
)  # fmt: skip
PHONE_PACKAGES = ("adbd", "android-libbase", "android-libcutils", "android-liblog")
"""Android's own daemon; Debian 12 has it in its backports only."""
WHEELS = ("numpy", "ai-edge-litert", "onnxruntime", "openvino")
GLIBC = ("manylinux2014", *(f"manylinux_2_{minor}" for minor in (17, 24, 26, 27, 28, 31, 34, 35, 36)))
SITE = f"usr/local/lib/python{PYTHON}/dist-packages"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MARKER = "etc/edgekit-emulated"
"""What the agent looks for."""
TOOLS = {"apt-get": "apt", "dpkg": "dpkg", "qemu-aarch64-static": "qemu-user-static", "ssh-keygen": "openssh-client",
         "nsenter": "util-linux", "sshd": "openssh-server"}  # fmt: skip
"""Programs that building or running takes, and the Debian packages that have them."""
BUILD_TOOLS = ("apt-get", "dpkg")
STEP_S = 900.0
LAYOUT = 1
"""Raised when the same packages are to be put together in another way."""


def system_folder() -> Path:
    """The folder of the built system, whether it is there or not."""
    key = hashlib.sha256(json.dumps([LAYOUT, SUITE, PACKAGES, PHONE_PACKAGES, WHEELS]).encode()).hexdigest()[:12]
    return boards_folder() / f"debian-{SUITE}-{key}"


def check_tools(programs: Collection[str] = TOOLS) -> None:
    """Make sure that this host has what building and running takes.

    Args:
        programs: of ``TOOLS``; those of building alone are ``BUILD_TOOLS``.

    Raises:
        ToolError: a program is missing; the hint names the packages.
    """
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if missing:
        packages = " ".join(sorted({TOOLS[program] for program in missing}))
        raise ToolError(f"an emulated board needs {', '.join(missing)}", f"apt-get install {packages}")


def build_system(progress: Progress, programs: Collection[str] = TOOLS) -> Path:
    """The folder of the system, built first when it is not there and this host has ``programs``.

    Raises:
        ToolError: the host cannot build it, or a download failed.
    """
    final = system_folder()
    if final.is_dir():
        return final
    check_tools(programs)
    with locked(boards_folder() / ".lock"):
        if not final.is_dir():
            with staged_folder(final) as root:
                log = boards_folder() / "build.log"
                log.unlink(missing_ok=True)
                install_packages(root, log, progress)
                install_wheels(root, log, progress)
                finish(root)
    return final


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One builder at a time; another waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        take_lock(stream.fileno(), wait=True)
        yield


def step(what: str, command: list[str], log: Path) -> None:
    """Run one program of the build."""
    code = run_logged(command, log, STEP_S, {"LC_ALL": "C"})
    if code != 0:
        raise ToolError(f"building the emulated board: {what} {describe_exit(code, STEP_S)}\n{tail(log)}".rstrip(),
                        f"the whole log: {log}")  # fmt: skip


def mirror() -> str:
    """Address of the Debian archive that this host's apt uses."""
    apt = shutil.which("apt-get") or "apt-get"
    command = [apt, "indextargets", "--format", "$(REPO_URI) $(ORIGIN)", "Created-By: Packages"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [uri for uri, _, origin in (line.partition(" ") for line in answer.stdout.splitlines())
             if origin == "Debian" and "security" not in uri]  # fmt: skip
    if not found or not Path(KEYRING).is_file():
        raise ToolError(
            f"no Debian archive in apt's sources here, or no {KEYRING}",
            "build the emulated board on a Debian host (apt-get update); on Ubuntu install debian-archive-keyring and "
            f"add Debian to apt's sources as docs/ci/emulated.yml does; or copy its cache: {boards_folder()}",
        )
    return found[0]


def install_packages(root: Path, log: Path, progress: Progress) -> None:
    """Download the arm64 packages and unpack them into ``root``."""
    wanted = [*PACKAGES, *(f"{name}/{SUITE}-backports" for name in PHONE_PACKAGES)]
    progress(Step(f"downloading {len(wanted)} arm64 packages of Debian {SUITE} and what they need"))
    apt = boards_folder() / "apt"
    for name in ("lists/partial", "archives/partial"):
        (apt / name).mkdir(parents=True, exist_ok=True)
    archive = mirror()
    write_atomic(
        apt / "sources.list",
        "".join(f"deb [signed-by={KEYRING}] {archive} {suite} main\n" for suite in (SUITE, f"{SUITE}-backports")),
    )
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Dir::State::status": "/dev/null",
        "Dir::State::lists": str(apt / "lists"),
        "Dir::Cache": str(apt),
        "Dir::Cache::archives": str(apt / "archives"),
        "Dir::Etc::sourcelist": str(apt / "sources.list"),
        "Dir::Etc::sourceparts": "-",
        "Debug::NoLocking": "true",
    }
    command = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in settings.items())]
    step("the index", [*command, "update"], log)
    step("the download", [*command, "--yes", "--download-only", "install", *wanted], log)
    # Which of the archives: an older build may have left others there.
    listed = subprocess.run(
        [*command, "--yes", "--print-uris", "-oDir::Cache::archives=/nonexistent", "install", *wanted],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    names = re.findall(r"^'[^']*' (\S+\.deb) ", listed, re.MULTILINE)
    if not names:
        raise ToolError(f"building the emulated board: apt named no packages\n{tail(log)}".rstrip())
    progress(Step(f"unpacking {len(names)} packages"))
    for name in names:
        step(f"unpacking {name}", ["dpkg", "-x", str(apt / "archives" / name), str(root)], log)


def install_wheels(root: Path, log: Path, progress: Progress) -> None:
    """Put the runtimes' aarch64 wheels where the board's Python finds them."""
    progress(Step(f"installing the aarch64 wheels of {', '.join(WHEELS)}"))
    command = [
        sys.executable, "-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
        "--root-user-action=ignore", "--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}",
        *(f"--abi={abi}" for abi in ("cp311", "abi3", "none")), *(f"--platform={glibc}_aarch64" for glibc in GLIBC),
        "--cache-dir", str(boards_folder() / "wheels"), "--target", str(root / SITE), *WHEELS,
    ]  # fmt: skip
    step("the wheels", command, log)


def finish(root: Path) -> None:
    """What the packages' scripts would have done, without running them; drop what no board needs."""
    for name in ("doc", "man", "locale", "info"):
        shutil.rmtree(root / "usr" / "share" / name, ignore_errors=True)
    for link, target in (("usr/bin/python3", f"python{PYTHON}"), ("bin/sh", "dash")):
        (root / link).unlink(missing_ok=True)
        (root / link).symlink_to(target)
    for name in ("proc", "sys", "dev", "tmp", "run", "root", "home", "data", "system"):
        (root / name).mkdir(exist_ok=True)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\n")
    (root / "etc" / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (root / MARKER).write_text("qemu user emulation; latency means nothing here\n")
