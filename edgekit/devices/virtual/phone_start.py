"""Start an emulated phone and keep it as long as stdin stays open: ``python -m … NAME ROOT HOME``.

Android's own ``adbd`` runs in it, in a network of its own, because it listens on every address; one port of this host's
loopback leads there. An adb server of its own serves it, so that the user's is not disturbed. One line on stdout tells
the two ports: of the phone and of the server.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from .boards import VIRTUAL, VirtualBoard
from .phone_files import install
from .start import BIND, DIE_WITH_PARENT, PATH, checked, libc, mount, start

NEW_NETWORK = 0x40000000
ADBD, ADBD_PORT = "/usr/lib/android-sdk/platform-tools/adbd", 5555
LIBRARIES = "/usr/lib/aarch64-linux-gnu/android"
SET_FLAGS, UP = 0x8914, 1
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2
RESTART_S = 0.2


def settle(board: VirtualBoard, root: Path, home: Path) -> None:
    """Give the furnished board what a phone has, and its network a loopback."""
    for name in ("data", "system"):
        mount("tmpfs", root / name, "tmpfs", 0, "mode=755")
    install(board, root)
    kept = root / "data" / "local" / "tmp"
    kept.mkdir(parents=True)
    mount(str(home), kept, None, BIND)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))


def refuse_vsock() -> None:
    """Let ``socket(AF_VSOCK)`` fail for this process and its children: no network namespace confines that family."""
    # Classic BPF: the number of the call, then its first argument; socket is 41 and AF_VSOCK 40 on x86-64.
    program = [
        (0x20, 0, 0, 0), (0x15, 0, 3, 41), (0x20, 0, 0, 16), (0x15, 0, 1, 40), (0x06, 0, 0, 0x50000 | 97),
        (0x06, 0, 0, 0x7FFF0000),
    ]  # fmt: skip
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    described = ctypes.create_string_buffer(struct.pack("H6xQ", len(program), ctypes.addressof(code)))
    checked(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "giving up privileges")
    checked(libc.prctl(SECCOMP, FILTER, ctypes.c_ulong(ctypes.addressof(described)), 0, 0), "filtering system calls")


def run_adbd(cpu: str) -> int:
    """Start the daemon; its process id."""
    child = os.fork()
    if child:
        return child
    environment = {
        "QEMU_CPU": cpu,
        "PATH": f"/system/bin:{PATH}",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TMPDIR": "/data/local/tmp",
        "ADBD_PORT": str(ADBD_PORT),
        "LD_LIBRARY_PATH": LIBRARIES,
    }
    try:
        refuse_vsock()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.execve(ADBD, [ADBD], environment)  # noqa: S606
    finally:
        os._exit(127)


def live(cpu: str, listener: socket.socket) -> NoReturn:
    """Process 1: keep the daemon running as Android's init does, bury the dead, pass connections on."""
    daemon = run_adbd(cpu)
    threading.Thread(target=relay, args=(listener,), daemon=True).start()
    while True:
        gone, _ = os.wait()
        if gone == daemon:
            time.sleep(RESTART_S)
            daemon = run_adbd(cpu)


def relay(listener: socket.socket) -> None:
    """Accept connections of the host's network and lead each to the daemon in this one."""
    while True:
        outer, _ = listener.accept()
        inner = socket.socket()
        try:
            inner.connect(("127.0.0.1", ADBD_PORT))  # by number: a name would be looked up with what the host has
        except OSError:  # the daemon is not up: the client sees a connection that ends, and tries again
            outer.close()
            inner.close()
            continue
        for one, other in ((outer, inner), (inner, outer)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=pump, args=(one, other), daemon=True).start()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until one side ends, then end both."""
    with suppress(OSError):  # the other direction's end closed it
        while data := source.recv(1 << 18):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):  # closed already
            end.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(board: VirtualBoard, root: Path, home: Path) -> int:
    """Start the phone and its adb server, tell their ports, and end both when stdin ends."""
    adb = os.environ.get("EDGEKIT_ADB") or shutil.which("adb")
    if adb is None:
        raise FileNotFoundError(2, "adb is not installed")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        keeper, _ = start(
            board, root, home, NEW_NETWORK, lambda inside: settle(board, inside, home),
            lambda: live(board.cpu, listener),
        )  # fmt: skip
        phone = listener.getsockname()[1]
    port = free_port()
    server = subprocess.Popen(
        [adb, "-P", str(port), "nodaemon", "server"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, preexec_fn=lambda: libc.prctl(DIE_WITH_PARENT, signal.SIGKILL),  # noqa: PLW1509
    )  # fmt: skip
    try:
        wait_until_it_answers(server, port)
        sys.stdout.write(f"{phone} {port}\n")
        sys.stdout.flush()
        sys.stdin.read()
        return 0
    finally:
        server.terminate()
        server.wait()
        os.kill(keeper, signal.SIGKILL)
        os.waitpid(keeper, 0)


def wait_until_it_answers(server: subprocess.Popen[bytes], port: int) -> None:
    """Return when the adb server accepts connections."""
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise OSError(1, "its adb server does not start")


def main(name: str, root: str, home: str) -> int:
    """Serve the phone ``name``; a failure is one line on stderr."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return serve(VIRTUAL[name], Path(root), Path(home))
    except OSError as error:
        sys.stderr.write(f"edgekit: {name} does not start: {error.strerror or error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
