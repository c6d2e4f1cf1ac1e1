"""Run a function in a child process with a time limit: native converters and runtimes abort, hang and leak.

The child is this module as a program (:mod:`.interpreter`) with ``MODULE:FUNCTION REQUEST RESULT PARENT``; both files
are JSON, and PARENT is our process id. Everything the child prints goes to a log file, whose end becomes part of the
error.

A function that runs isolated takes one frozen value and returns one. Its module imports nothing heavy at its top,
since the parent imports it too; the function itself imports what it needs, inside :func:`quick_imports`.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_type_hints

from ... import errors
from ...errors import EdgekitError, ToolError
from ...types.base import Frozen
from ..scratch import scratch_folder
from .interpreter import python_module
from .posix import end_group
from .warm import Forked, fork

Request = TypeVar("Request", bound=Frozen)
Answer = TypeVar("Answer", bound=Frozen)

TAIL_BYTES = 1 << 18
LOG_TAIL_LINES, LONGEST_LINE = 12, 500
IDLE = "try again when the machine has less to do"
"""Advice after a timeout that no option sets."""
PR_SET_PDEATHSIG = 1
UNWRITTEN = 74
"""Exit code of a child whose answer did not find room, as sysexits.h has it for what cannot be read or written."""
REPORTING = "openvino_telemetry"
UNEXPECTED = "put --debug right behind edgekit to see the traceback; edgekit or a package that it uses may be at fault"
PATIENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "ORT_DISABLE_TELEMETRY": "1",
}
"""Variables of every child. Idle threads sleep; by default they spin, which doubles the CPU time of building a network.
glibc keeps freed memory for a network's next tensors: clearing new pages took half of the system's time. ONNX Runtime
(1.32, on Linux) is not to tell its maker what it ran: whoever runs edgekit has not been asked.
"""


def run_isolated(
    function: Callable[[Request], Answer],
    request: Request,
    timeout_s: float,
    what: str,
    log: Path | None = None,
    env: dict[str, str] | None = None,
    more_time: str = IDLE,
    imports: Sequence[str] = (),
) -> Answer:
    """Call ``function`` with ``request`` in a process of its own and return its answer.

    Args:
        function: a function at the top level of a module, annotated with the types of its request and its answer.
        request: its argument.
        timeout_s: after that the child's whole process group is killed.
        what: the step in words, for messages ("converting X to onnx").
        log: where the child's output goes; a temporary file when None.
        env: variables added to the child's environment.
        more_time: what to try when the time did not suffice.
        imports: modules that the function will import, those that others share first: inside :func:`.warm.warm` the
            child is forked from an interpreter that has them; not with ``env``.

    Raises:
        EdgekitError: the same error the child raised, with its traceback as a note.
        ToolError: the child raised an error of another kind, which the message names, or crashed, was killed or ran out
            of time; then the message holds the end of its log.
    """
    answer: type[Answer] = get_type_hints(function)["return"]
    name = f"{function.__module__}:{function.__qualname__}"
    return answer.from_plain(run_named(name, request.to_plain(), timeout_s, what, log, env, more_time, imports))


def run_named(
    function: str,
    request: dict[str, Any],
    timeout_s: float,
    what: str,
    log: Path | None = None,
    env: dict[str, str] | None = None,
    more_time: str = IDLE,
    imports: Sequence[str] = (),
) -> dict[str, Any]:
    """As :func:`run_isolated`, for a function of a module that this process cannot import, by name.

    This process does not have the types of such a function, so the request and the answer are plain JSON.

    Args:
        function: dotted module, colon, function name.
        request: JSON-able argument; the result is JSON-able too.
        timeout_s: see :func:`run_isolated`, as for the others.
        what: likewise.
        log: likewise.
        env: likewise.
        more_time: likewise.
        imports: likewise.

    Raises:
        EdgekitError: see :func:`run_isolated`.
        UnicodeEncodeError: see :func:`as_json`.
    """
    with scratch_folder() as folder:
        request_file, result_file = folder / "request.json", folder / "result.json"
        request_file.write_text(as_json(request))
        log_file = log or folder / "log.txt"
        arguments = [function, str(request_file), str(result_file)]
        # Its temporary files go with ours: a child that is killed leaves them.
        env = {"TMPDIR": str(folder), **(env or {})}
        code = run_main(arguments, log_file, timeout_s, env, imports if len(env) == 1 else ())
        if result_file.exists():
            answer = json.loads(result_file.read_text())
            if answer["failed"] is None:
                return dict(answer["value"])
            raise rebuild_error(Failed(**answer["failed"]), what)
        if code == UNWRITTEN:
            room = f"free some space; temporary files go to {folder.parent} (TMPDIR)"
            raise ToolError(f"{what} could not write its answer\n{tail(log_file, 1)}".rstrip(), room)
        hint = more_time if code is None else ""
        raise ToolError(f"{what} {describe_exit(code, timeout_s)}\n{tail(log_file)}".rstrip(), hint)


def as_json(request: Mapping[str, Any]) -> str:
    """What another process is asked for, as JSON.

    Raises:
        UnicodeEncodeError: a name in it is no UTF-8, and no JSON says it: the other side could only stumble over it.
    """
    json.dumps(request, ensure_ascii=False).encode()
    return json.dumps(request)


def run_main(
    arguments: list[str], log: Path, timeout_s: float, env: dict[str, str], imports: Sequence[str]
) -> int | None:
    """Run :func:`main` in a child, forked from a warm interpreter where there is one; as :func:`run_logged`."""
    with log.open("ab") as stream:
        child = fork(imports, arguments, stream, {**PATIENT, **os.environ, **env})
        if child is not None:
            with supervised(child):
                return wait(child, timeout_s)
    command = python_module("edgekit.base.processes.isolate", *arguments, str(os.getpid()))
    return run_logged(command, log, timeout_s, env)


def run_logged(command: list[str], log: Path, timeout_s: float, env: dict[str, str] | None = None) -> int | None:
    """Run ``command`` in a process group of its own, output to ``log``; the exit code, or None after a timeout."""
    with log.open("ab") as stream:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**PATIENT, **os.environ, **(env or {})},
            start_new_session=True,
        )
        with supervised(child):
            return wait(child, timeout_s)


class Meter(threading.local):
    """CPU seconds of the children that a thread has waited for."""

    seconds = 0.0


METER = Meter()
_running: set[int] = set()
_stopping = threading.Event()
_lock = threading.Lock()


@contextmanager
def supervised(child: subprocess.Popen[bytes] | Forked) -> Iterator[None]:
    """A block in which ``child``, which leads a process group, runs; none of the group outlives it, also on Ctrl-C.

    Raises:
        ToolError: :func:`end_all` was called.
    """
    with _lock:
        _running.add(child.pid)
    try:
        if _stopping.is_set():
            raise ToolError("stopped before it began")
        yield
    finally:
        end_group(child.pid)
        wait(child)
        with _lock:
            _running.discard(child.pid)


def wait(child: subprocess.Popen[bytes] | Forked, timeout_s: float = math.inf) -> int | None:
    """The child's exit code, or None when the time is over. Its CPU time, and its descendants', goes to the meter."""
    if isinstance(child, Forked):
        known = child.returncode is not None
        code = child.wait(None if timeout_s == math.inf else timeout_s)
        METER.seconds += 0.0 if known or code is None else child.seconds
        return code
    if not hasattr(os, "wait4"):  # Windows
        try:
            return child.wait(None if timeout_s == math.inf else timeout_s)
        except subprocess.TimeoutExpired:
            return None
    deadline, delay = time.monotonic() + timeout_s, 0.001
    while child.returncode is None:
        try:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        except ChildProcessError:  # an interrupt came between the system's answer and our note of it
            return child.wait()
        if pid:
            METER.seconds += usage.ru_utime + usage.ru_stime
            child.returncode = os.waitstatus_to_exitcode(status)
        elif time.monotonic() >= deadline:
            return None
        else:
            time.sleep(delay)
            delay = min(2 * delay, 0.05)
    return child.returncode


@contextmanager
def end_all() -> Iterator[None]:
    """End the children of all threads; those that are started inside the block end at once."""
    _stopping.set()
    try:
        with _lock:
            for pid in _running:
                end_group(pid)
        yield
    finally:
        _stopping.clear()


def describe_exit(code: int | None, timeout_s: float) -> str:
    """An exit code in words: the signal's name for a native crash, the limit for a timeout."""
    if code is None:
        return f"ran out of time after {timeout_s:g} s and was stopped"
    if code < 0:
        known = -code in set(signal.Signals)
        return f"crashed with {signal.Signals(-code).name if known else f'signal {-code}'}"
    return f"ended with exit code {code}"


def tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of a log file, indented."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:  # a native library may have printed gigabytes
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - TAIL_BYTES))
        return last_lines(stream.read().decode(errors="replace"), lines)


def last_lines(text: str, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of what a program printed, indented."""
    kept = [line.rstrip()[:LONGEST_LINE] for line in text.replace("\r", "\n").splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in kept[-lines:])


@dataclass(frozen=True)
class Failed:
    """An error on its way to another process.

    It is no :class:`Frozen`: a message may hold the bytes of a file name that are no text, which that refuses.

    Attributes:
        kind: name of its class.
        traceback: as Python prints it.
    """

    kind: str
    message: str
    hint: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Failed:
        """What ``error`` says."""
        hint = error.hint if isinstance(error, EdgekitError) else ""
        printed = "".join(traceback.format_exception(error))
        return cls(kind=type(error).__name__, message=str(error), hint=hint, traceback=printed)


def rebuild_error(failed: Failed, what: str = "a child process") -> EdgekitError:
    """The error that a child raised, as the same class; a class that is not edgekit's becomes a ToolError.

    Args:
        failed: what the child wrote; its traceback becomes a note, which tracebacks show.
        what: the step that the child did, in words.
    """
    kind = getattr(errors, failed.kind, None)
    if isinstance(kind, type) and issubclass(kind, EdgekitError):
        error = kind(failed.message, failed.hint)
    else:
        # The message of a KeyError is only the key: it says nothing without the error's kind and the step.
        cause = ": ".join(filter(None, (failed.kind, failed.message)))
        error = ToolError(f"{what} ended with an unexpected error, {cause}", UNEXPECTED)
    if failed.traceback:
        error.add_note(f"In the process that failed:\n{failed.traceback}".rstrip())
    return error


def main(function: str, request_file: str, result_file: str) -> None:
    """The child: call the function, write ``{"failed": …, "value": …}``; a crash leaves no result file."""
    module_name, _, name = function.partition(":")
    try:
        with quick_imports():
            module = importlib.import_module(module_name)
        value = call(getattr(module, name), json.loads(Path(request_file).read_text()))
        answer = {"failed": None, "value": value}
    except Exception as error:  # noqa: BLE001 - whatever it is, it travels to the parent as an answer
        traceback.print_exc()
        answer = {"failed": asdict(Failed.of(error))}
    text = json.dumps(answer)
    try:
        # Written as a whole: a disk that fills up must not leave half an answer.
        Path(result_file + ".part").write_text(text)
        os.replace(result_file + ".part", result_file)
    except OSError as error:
        with suppress(OSError):  # the log is on the same disk
            sys.stderr.write(f"the answer cannot be written: {error.strerror}\n")
        leave(UNWRITTEN)


def call(function: Callable[[Any], Any], request: dict[str, Any]) -> dict[str, Any]:
    """Call a function with JSON; frozen types in its annotations are built from JSON, and turned back into it."""
    given = next((hint for name, hint in get_type_hints(function).items() if name != "return"), None)
    typed = isinstance(given, type) and issubclass(given, Frozen)
    answer = function(given.from_plain(request) if typed else request)  # type: ignore[union-attr]
    return answer.to_plain() if isinstance(answer, Frozen) else answer


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import without the garbage collector, which takes a fifth of PyTorch's import and finds nothing to drop.

    What came in is never looked at again. For child processes only: the parent goes on collecting. OpenVINO and NNCF
    are not given the package through which they report to their makers what was converted: whoever runs edgekit has
    not been asked.
    """
    sys.modules.setdefault(REPORTING, None)  # type: ignore[arg-type]  # what is None here cannot be imported
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def die_with_parent(parent: int) -> None:
    """Have the kernel (Linux) end this process when its parent goes, even by SIGKILL; elsewhere do nothing."""
    if os.name != "posix":
        return
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it had gone before the kernel was asked
        os._exit(1)


def leave(code: int) -> NoReturn:
    """End the child at once: native runtimes may crash while the interpreter shuts down, and the answer is on disk."""
    with suppress(OSError):  # what was printed may not find room on the disk
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[5]))
    main(*sys.argv[2:5])
    leave(0)
