"""A board behind a real sshd on loopback."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

SPLICE = """
import os, socket, sys, threading
far = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def back():
    while data := far.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    far.sendall(data)
"""
"""Carries an SSH connection from our network namespace into that of a board, where the program runs."""


@dataclass
class SshBoard:
    """This machine behind a real sshd on loopback; its alias ``board`` stands in ``config``.

    Attributes:
        cache: what edgekit keeps there goes to the folder ``edgekit`` in it.
        far: it has a network namespace of its own, so that its link can be cut and slowed down.
        server: the sshd that listens.
    """

    folder: Path
    port: int
    cache: Path
    far: bool = False
    server: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        """For ``ssh -F``."""
        return self.folder / "ssh_config"

    @property
    def runs(self) -> list[str]:
        """Folders of runs that are there now."""
        return sorted(path.name for path in (self.cache / "edgekit" / "runs").glob("*"))

    def configure(self, **changes: str) -> None:
        """Write the SSH config, some settings changed."""
        settings = {
            "HostName": "127.0.0.1",
            "Port": str(self.port),
            "User": getpass.getuser(),
            "IdentityFile": str(self.folder / "client"),
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": str(self.folder / "known_hosts"),
            "GlobalKnownHostsFile": "none",
            **changes,
        }
        self.config.write_text("Host board\n" + "".join(f"  {key} {value}\n" for key, value in settings.items()))

    def make_key(self, name: str) -> str:
        """A key pair in the folder; its public half."""
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        return path.with_suffix(".pub").read_text()

    def log_in_by(self, script: str) -> None:
        """From now on a login runs this shell script, which finds what was asked for in ``$asked``."""
        path = self.folder / "login.sh"
        path.write_text(f"asked=$SSH_ORIGINAL_COMMAND\n{script}\n")
        key = (self.folder / "client.pub").read_text()
        (self.folder / "authorized_keys").write_text(f'command="sh {path}" {key}')

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        sshd = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
        log, splice = self.folder / "sshd.log", self.folder / "splice.py"
        apart = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"] if self.far else []
        self.server = subprocess.Popen(
            [*private_run(), *apart, str(sshd), "-D", "-E", str(log), "-f", str(self.folder / "sshd_config")],
            stdin=subprocess.DEVNULL,
        )
        if self.far:
            splice.write_text(SPLICE)
            inside = ["nsenter", f"--net=/proc/{self.server.pid}/ns/net", sys.executable, str(splice), str(self.port)]
            self.configure(ProxyCommand=shlex.join(inside))
        wait_for(self.port, self.server, log)

    def stop(self) -> None:
        """End the server, not its sessions."""
        assert self.server is not None
        self.server.terminate()
        self.server.wait(timeout=10)

    @property
    def sessions(self) -> list[int]:
        """The processes of sshd that serve connections now."""
        assert self.server is not None
        return [pid for pid in descendants(self.server.pid) if program(pid).startswith("sshd")]

    def in_its_network(self, *command: str) -> None:
        """Run ``command`` where the server is."""
        assert self.server is not None
        subprocess.run(["nsenter", f"--net=/proc/{self.server.pid}/ns/net", *command], check=True)


def descendants(pid: int) -> list[int]:
    """The children of a process, and theirs, the children before their parents."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = status.read_text().rpartition(")")[2].split()
            parents.setdefault(int(words[1]), []).append(int(status.parent.name))
    found: list[int] = []
    for child in parents.get(pid, []):
        found += [*descendants(child), child]
    return found


def program(pid: int) -> str:
    """The name of a process; empty when it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


@contextmanager
def served_board(far: bool = False) -> Iterator[SshBoard]:
    """A board whose server runs until the block ends."""
    if shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin") is None:
        pytest.skip("needs openssh-server")
    with tempfile.TemporaryDirectory(prefix="edgekit-sshd-") as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        board = SshBoard(Path(name), probe.getsockname()[1], Path(name, "cache"), far)
        probe.close()
        host_key = board.make_key("host")
        Path(name, "authorized_keys").write_text(board.make_key("client"))
        Path(name, "known_hosts").write_text(f"[127.0.0.1]:{board.port} {host_key}")
        board.configure()
        Path(name, "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{board.port}\nHostKey {name}/host\nAuthorizedKeysFile {name}/authorized_keys\n"
            "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            f"PermitRootLogin prohibit-password\nSetEnv XDG_CACHE_HOME={board.cache} HOME={name}\n"  # no login file
        )
        try:
            board.start()
            yield board
        finally:
            if board.server is not None:
                for pid in board.sessions:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                board.stop()


@pytest.fixture
def ssh_board() -> Iterator[SshBoard]:
    """A real sshd on loopback that lets the current user in, and ends with the test."""
    with served_board() as board:
        yield board


@pytest.fixture
def far_board() -> Iterator[SshBoard]:
    """As ``ssh_board``, with a network of its own, which a test may cut or slow down."""
    try_out = [
        "unshare",
        "--net",
        "sh",
        "-c",
        "ip link set lo up && tc qdisc add dev lo root tbf rate 1mbit burst 32k latency 1s",
    ]
    if shutil.which("tc") is None or subprocess.run(try_out, capture_output=True, check=False).returncode:
        pytest.skip("only root may make a network namespace and shape its traffic (with iproute2)")
    with served_board(far=True) as board:
        yield board


def private_run() -> list[str]:
    """A prefix that shows root's sshd the folder /run/sshd, which only a started service makes."""
    if os.geteuid() != 0 or Path("/run/sshd").is_dir():
        return []
    script = 'mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server has written that it listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (
            log.exists()
            and f"Server listening on 127.0.0.1 port {port}" in log.read_text().rpartition("Received signal")[2]
        ):
            return
        if server.poll() is not None:
            pytest.fail(f"sshd did not start: {log.read_text() if log.exists() else ''}")
        time.sleep(0.05)
    pytest.fail("sshd does not answer")
