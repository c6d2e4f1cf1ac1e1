"""A real sshd on loopback for the length of a block, and an ``ssh`` on PATH that reaches it as ``board``."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEVICES = '[board]\ntransport = "ssh"\naddress = "board"\npython = "{python}"\n'
STARTS_S = 30.0


def devices_toml() -> str:
    """What names the board; it runs this Python."""
    return DEVICES.format(python=sys.executable)


@contextmanager
def board(folder: Path) -> Iterator[None]:
    """A block in which ``ssh board`` reaches this machine.

    Args:
        folder: takes keys, configuration and what edgekit keeps on the board.

    Raises:
        FileNotFoundError: openssh is not here.
        RuntimeError: sshd does not start.
    """
    sshd, ssh = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin"), shutil.which("ssh")
    if sshd is None or ssh is None:
        raise FileNotFoundError("sshd and ssh")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)  # noqa: S607
    (folder / "authorized_keys").write_bytes((folder / "client.pub").read_bytes())
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "ssh_config").write_text(
        f"Host board\n HostName 127.0.0.1\n Port {port}\n User {getpass.getuser()}\n IdentityFile {folder}/client\n"
        f" IdentitiesOnly yes\n IdentityAgent none\n UserKnownHostsFile {folder}/known_hosts\n"
    )
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\n"
        "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"PermitRootLogin prohibit-password\nSetEnv XDG_CACHE_HOME={folder}/cache HOME={folder}\n"
    )
    (folder / "bin").mkdir()
    (folder / "bin" / "ssh").write_text(f'#!/bin/sh\nexec {ssh} -F {folder}/ssh_config "$@"\n')
    (folder / "bin" / "ssh").chmod(0o755)
    # Root's sshd wants a folder that only a started service makes. What fails here is not to fail there.
    wants = os.geteuid() == 0 and not Path("/run/sshd").is_dir()
    apart = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec "$@"', "sh"]
    command = [*(apart if wants else []), sshd, "-D", "-e", "-f", str(folder / "sshd_config")]
    clean = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    before = os.environ["PATH"]
    with (folder / "sshd.log").open("wb") as log:
        server = subprocess.Popen(command, env=clean, stdin=subprocess.DEVNULL, stderr=log)
    try:
        answers(port, server, folder / "sshd.log")
        os.environ["PATH"] = f"{folder}/bin:{before}"
        yield
    finally:
        os.environ["PATH"] = before
        server.terminate()
        server.wait()


def answers(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server listens.

    Raises:
        RuntimeError: it does not.
    """
    end = time.monotonic() + STARTS_S
    while time.monotonic() < end and server.poll() is None:
        if f"port {port}" in log.read_text(errors="replace"):
            return
        time.sleep(0.05)
    raise RuntimeError(f"sshd does not listen: {log.read_text(errors='replace')}")
