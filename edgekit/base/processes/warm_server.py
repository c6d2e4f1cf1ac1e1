"""The program of a warm interpreter, which is given the number of a socket; see :mod:`.warm`.

It has one thread, which waits for requests; each is answered by a keeper, which forks the child, waits for it and
tells how it ended. All of them end with the process that asks.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from typing import NoReturn

from ...types.base import build_types
from .isolate import die_with_parent, leave, main, quick_imports
from .posix import end_group
from .warm import END, FORK, LONGEST_MESSAGE, Grow, Work


def serve(control: socket.socket) -> NoReturn:
    """Answer requests until the end is asked for, or nobody can ask any more: then children end with us at once."""
    import resource  # not on Windows, where nothing is forked

    gc.freeze()
    spent = resource.getrusage(resource.RUSAGE_SELF)
    imports = spent.ru_utime + spent.ru_stime
    while True:
        message, files, _, _ = socket.recv_fds(control, 16, 2)
        if message != FORK:
            reap(wait=message == END)
            os._exit(0)
        server = os.getpid()
        if os.fork() == 0:
            die_with_parent(server)
            keep(socket.socket(fileno=files[0]), files[1], imports)
        imports = 0.0
        for file in files:
            os.close(file)
        reap(wait=False)


def reap(wait: bool) -> None:
    """Take note of the processes that have ended, or wait for all of them."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, 0 if wait else os.WNOHANG)[0]:
            pass


def keep(line: socket.socket, file: int, imports: float) -> NoReturn:
    """Fork one child and tell of it; or become a warm interpreter that has imported more."""
    told = line.recv(LONGEST_MESSAGE)
    if not told:  # whoever asked was interrupted
        os._exit(0)
    asked = json.loads(told)
    request = Grow(**asked) if "module" in asked else Work(**asked)
    if isinstance(request, Grow):
        line.sendall(json.dumps({"pid": os.getpid()}).encode())
        line.close()
        with suppress(Exception), quick_imports():  # the child meets the same error, and reports it
            importlib.import_module(request.module)
            build_types()
        serve(socket.socket(fileno=file))
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        die_with_parent(keeper)
        line.close()
        run(request, file)
    with suppress(OSError):  # the child does it as well: whoever comes first
        os.setpgid(child, child)
    try:
        line.sendall(json.dumps({"pid": child}).encode())
    except OSError:
        end_group(child)
    _, status, usage = os.wait4(child, 0)
    seconds = usage.ru_utime + usage.ru_stime + imports
    with suppress(OSError):
        line.sendall(json.dumps({"code": os.waitstatus_to_exitcode(status), "seconds": seconds}).encode())
    os._exit(0)


def run(request: Work, log: int) -> NoReturn:
    """The child: as a fresh interpreter would have it, then :func:`edgekit.base.processes.isolate.main`."""
    with suppress(OSError):
        os.setpgid(0, 0)
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    tempfile.tempdir = None
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=stream is sys.stderr)  # type: ignore[union-attr]
    code = 1
    try:
        main(*request.main)
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the server may go on in the child
        sys.excepthook(*sys.exc_info())
    leave(code)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    serve(socket.socket(fileno=int(sys.argv[2])))
