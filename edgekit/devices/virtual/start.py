"""Start an emulated board and serve one SSH connection to it on stdin and stdout.

This is the ProxyCommand of the emulated boards: ``python -m edgekit.devices.virtual.start NAME ROOT HOME KEYS``. A real
``sshd -i`` answers; each of its sessions enters the board's namespaces: user, mount, process and host name, with a
``binfmt_misc`` of their own, so that nothing is registered on the host and nobody has to be root. No port is opened,
and when the connection ends the kernel ends every process of the board.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from ...base.processes.posix import user_name
from .boards import VIRTUAL, VirtualBoard
from .files import cpuinfo, sys_files, write_files

NEW_MOUNTS, NEW_HOSTNAME, NEW_USERS, NEW_PROCESSES = 0x20000, 0x4000000, 0x10000000, 0x20000000
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000
DIE_WITH_PARENT = 1
QEMU = "qemu-aarch64-static"
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
BINFMT = "/proc/sys/fs/binfmt_misc"
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"

NO_HOME = "/nonexistent"
"""Home of the shell that enters the board: what this host's user runs at every login is not the board's, and takes
longer than most of what is asked there.
"""

Settle = Callable[[Path], None]
Live = Callable[[], NoReturn]

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> None:
    """Raise the C library's error, saying what was being done."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: Path | str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """Mount a file system, or a folder at a second place."""
    encoded = [None if text is None else text.encode() for text in (source, str(target), kind, options)]
    checked(libc.mount(*encoded[:3], ctypes.c_ulong(flags), encoded[3]), f"mounting {source} on {target}")


def unshare(flags: int) -> None:
    """Give this process namespaces of its own."""
    checked(libc.unshare(flags), "making namespaces (are user namespaces allowed here?)")


def register_qemu() -> None:
    """Have this user namespace run aarch64 programs by qemu; a host that does so already will do as well."""
    qemu = shutil.which(QEMU)
    try:
        if qemu is None:
            raise FileNotFoundError(2, f"{QEMU} is not installed")
        mount("binfmt_misc", BINFMT, "binfmt_misc")
        # F: the file is opened now, so that it works inside the board's root.
        Path(BINFMT, "register").write_text(f":qemu-aarch64:M::{MAGIC}:{MASK}:{qemu}:F")
    except OSError as error:
        if not Path(BINFMT, "qemu-aarch64").exists():
            raise OSError(
                error.errno, f"{error.strerror} (a private binfmt_misc needs Linux 6.7; else install binfmt-support)"
            ) from error


def furnish(board: VirtualBoard, root: Path, home: Path) -> None:
    """Mount what a running system has below ``root``; only this mount namespace sees it."""
    mount("none", "/", None, RECURSIVE | PRIVATE)
    mount("proc", "/proc", "proc")
    register_qemu()
    mount(str(root), root, None, BIND | RECURSIVE)
    mount(str(home), root / "root", None, BIND)
    for name, mode in (("sys", "755"), ("run", "755"), ("tmp", "1777"), ("dev", "755")):
        mount("tmpfs", root / name, "tmpfs", 0, f"mode={mode}")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (root / "dev" / name).touch()
        mount(f"/dev/{name}", root / "dev" / name, None, BIND)
    for link, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (root / "dev" / link).symlink_to(f"/proc/self/{target}")
    for name, options in (("shm", "mode=1777"), ("pts", "newinstance,ptmxmode=0666,mode=620")):
        (root / "dev" / name).mkdir()
        mount("tmpfs" if name == "shm" else "devpts", root / "dev" / name, "tmpfs" if name == "shm" else "devpts", 0,
              options)  # fmt: skip
    (root / "dev" / "ptmx").symlink_to("pts/ptmx")
    mount("proc", root / "proc", "proc")
    write_files(root / "sys", sys_files(board))
    (root / "run" / "cpuinfo").write_text(cpuinfo(board))
    mount(str(root / "run" / "cpuinfo"), root / "proc" / "cpuinfo", None, BIND)


def bury() -> NoReturn:
    """What process 1 of a board does all day."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    while True:
        signal.pause()


def run_init(board: VirtualBoard, root: Path, home: Path, report: int, settle: Settle, live: Live) -> NoReturn:
    """Process 1 of the board: furnish it, say on ``report`` how that went, then ``live``."""
    libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)
    try:
        libc.sethostname(board.board.encode(), len(board.board))
        furnish(board, root, home)
        settle(root)
        os.chroot(root)
        os.chdir("/")
    except OSError as error:
        os.write(report, (error.strerror or str(error)).encode())
        os._exit(1)
    os.close(report)
    live()


def start(
    board: VirtualBoard, root: Path, home: Path, spaces: int = 0, settle: Settle = lambda _: None, live: Live = bury
) -> tuple[int, int]:
    """Start the board: the process whose death ends it, and its process 1, both as this process knows them.

    Args:
        board: what it plays.
        root: its system.
        home: the folder that it keeps.
        spaces: namespaces beside the usual ones.
        settle: called in process 1 with ``root`` when everything is mounted, before it becomes the root.
        live: what process 1 does then.

    Raises:
        OSError: the kernel does not allow it, or qemu is missing.
    """
    ready, mapped, report = os.pipe(), os.pipe(), os.pipe()
    keeper = os.fork()
    if keeper == 0:
        try:
            libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)
            unshare(NEW_USERS | NEW_MOUNTS | NEW_PROCESSES | NEW_HOSTNAME | spaces)
            os.write(ready[1], b"x")
            os.read(mapped[0], 1)
            first = os.fork()
            if first == 0:
                os.close(ready[1])  # the reader waits for its last holder
                run_init(board, root, home, report[1], settle, live)
            os.write(ready[1], str(first).encode())
            os.close(ready[1])
            os.close(report[1])
            os.waitpid(first, 0)
        except OSError as error:
            os.write(report[1], (error.strerror or str(error)).encode())
        os._exit(1)
    for pipe in (ready, report):
        os.close(pipe[1])
    if os.read(ready[0], 1):
        # An ordinary user may map nobody but himself; that is enough for a board of one user.
        Path(f"/proc/{keeper}/setgroups").write_text("deny")
        Path(f"/proc/{keeper}/uid_map").write_text(f"0 {os.geteuid()} 1")
        Path(f"/proc/{keeper}/gid_map").write_text(f"0 {os.getegid()} 1")
        os.write(mapped[1], b"x")
    for end in (mapped[0], mapped[1]):
        os.close(end)
    first_text = b"".join(iter(lambda: os.read(ready[0], 64), b""))
    problem = b"".join(iter(lambda: os.read(report[0], 4096), b"")).decode()
    for end in (ready[0], report[0]):
        os.close(end)
    if problem or not first_text:
        raise OSError(1, problem or "the board's first process did not start")
    return keeper, int(first_text)


def sshd_options(board: VirtualBoard, keys: Path, first: int) -> list[str]:
    """Options of an sshd whose every session lands on the board."""
    nsenter = shutil.which("nsenter", path=SBIN) or "nsenter"
    environment = f"HOME=/root USER=root LOGNAME=root SHELL=/bin/bash LANG=C.UTF-8 PATH={PATH} QEMU_CPU={board.cpu}"
    enter = f"{nsenter} --target {first} --user --preserve-credentials --uts --mount --pid --root --wd"
    command = '"cd; ${SSH_ORIGINAL_COMMAND:-exec /bin/bash -l}"'
    settings = {
        "HostKey": f'"{keys / "host"}"',
        "AuthorizedKeysFile": f'"{keys / "client.pub"}"',
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "PermitUserRC": "no",
        "DisableForwarding": "yes",
        "PrintMotd": "no",
        "PrintLastLog": "no",
        "UseDNS": "no",
        "SetEnv": f"HOME={NO_HOME}",
        "LogLevel": "ERROR",
        "ForceCommand": f"exec env -i {environment} {enter} -- /bin/sh -c {command}",
    }
    return ["-f", os.devnull, *(part for key, value in settings.items() for part in ("-o", f"{key}={value}"))]


def give_sshd_its_folder() -> None:
    """Root's sshd insists on ``/run/sshd``, which only a started service makes: show it one that nobody else sees."""
    if os.geteuid() == 0 and not Path("/run/sshd").is_dir():
        unshare(NEW_MOUNTS)
        mount("none", "/", None, RECURSIVE | PRIVATE)
        mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
        Path("/run/sshd").mkdir(mode=0o755)


def serve(board: VirtualBoard, root: Path, home: Path, keys: Path) -> int:
    """Start the board, serve one connection, stop the board; the exit code of sshd."""
    sshd = shutil.which("sshd", path=SBIN)
    if sshd is None:
        raise FileNotFoundError(2, "sshd is not installed")
    keeper, first = start(board, root, home)
    try:
        give_sshd_its_folder()
        return subprocess.run([sshd, "-i", "-e", *sshd_options(board, keys, first)], check=False).returncode
    finally:
        os.kill(keeper, signal.SIGKILL)
        os.waitpid(keeper, 0)


def main(name: str, root: str, home: str, keys: str) -> int:
    """Serve the board ``name``; a failure is one line on stderr, which ssh passes on."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    libc.prctl(DIE_WITH_PARENT, signal.SIGTERM)
    try:
        return serve(VIRTUAL[name], Path(root), Path(home), Path(keys))
    except OSError as error:
        sys.stderr.write(f"edgekit: {name} does not start for {user_name()}: {error.strerror or error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
