"""Read the output of another program with limits: a device's program may print garbage, or never stop.

Two threads read its pipes as they fill; what they read waits in a short queue, so that the memory is bounded whatever
comes. Whoever asks for a line gets it, the end, or the error; every question has a deadline.
"""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from .processes.isolate import describe_exit, supervised, wait
from .processes.posix import end_group

CHUNK = 1 << 16
LINE_BYTES = 16 << 20
"""A measurement of a million samples fits."""
STDERR_KEPT, STDERR_BYTES = 1 << 16, 64 << 20
"""Bytes of stderr that are kept, from its end, and bytes after which a program is ended."""
NOISE_BYTES = 1 << 20
"""Most bytes that login files may print before our program begins."""
ANSWER_BYTES = 16 << 20
POLL_S, DRAIN_S = 0.05, 1.0
"""How often a silent program is looked at, and how long the pipes of one that ended may be silent."""


class ExcessError(Exception):
    """A program printed more than anything of ours prints; the message says what, in words that follow its name."""


class Listener:
    """Reads a child's stdout on demand, and keeps the end of its stderr. Its pipes are closed as they end.

    Attributes:
        marked: whether :meth:`skip_to` found its mark.
    """

    def __init__(self, child: subprocess.Popen[bytes], line_bytes: int = LINE_BYTES) -> None:
        """Begin to read: both pipes of ``child`` are this object's from now on."""
        self.child, self.line_bytes = child, line_bytes
        self.marked = False
        self._chunks: queue.Queue[bytes | ExcessError] = queue.Queue(maxsize=16)
        self._pending, self._searched, self._ended = bytearray(), 0, False
        self._stderr, self._over = bytearray(), threading.Event()
        self._silent_polls = 0
        self._threads = []
        for stream, pump in ((child.stdout, self._pump_stdout), (child.stderr, self._pump_stderr)):
            if stream is not None:
                self._threads.append(threading.Thread(target=pump, args=(stream,), daemon=True))
        for thread in self._threads:
            thread.start()

    def line(self, deadline: float) -> bytes | None:
        """The next line with its newline; empty at the end of stdout, None when ``deadline`` (monotonic) has passed.

        Also where the next line has come already: a program that never stops would otherwise outlast any deadline.

        Raises:
            ExcessError: the line, or what there is on stderr, is too long.
        """
        while time.monotonic() < deadline:
            cut = self._pending.find(b"\n", self._searched) + 1
            if cut:
                return self._take(cut)
            self._searched = len(self._pending)
            if len(self._pending) > self.line_bytes:
                raise ExcessError(f"printed a line of more than {in_words(self.line_bytes)}")
            if not self._more(deadline):
                return self._take(len(self._pending)) if self._ended else None
        return None

    def skip_to(self, mark: bytes, deadline: float) -> bytes | None:
        """Pass over all that comes before the line ``mark``, which says that a program of ours begins.

        Returns:
            The noise before it; when stdout ended without the mark, all of it. None when the deadline has passed.

        Raises:
            ExcessError: more than :data:`NOISE_BYTES` came before it.
        """
        wanted = b"\n" + mark + b"\n"
        while (found := self._pending.find(wanted, max(0, self._searched - len(wanted)))) < 0:
            self._searched = len(self._pending)
            if len(self._pending) > NOISE_BYTES:
                first = bytes(self._pending[:100])
                raise ExcessError(f"printed more than {in_words(NOISE_BYTES)} before our program began: {first!r}")
            if not self._more(deadline):
                return self._take(len(self._pending)) if self._ended else None
        self.marked = True
        return self._take(found + len(wanted))[: -len(wanted)]

    def rest(self, deadline: float, sink: Callable[[bytes], object], most: int = ANSWER_BYTES) -> bool:
        """Give all that still comes on stdout to ``sink``; False when the deadline passed before the end.

        Raises:
            ExcessError: more than ``most`` bytes came.
        """
        taken = 0
        while True:
            chunk = self._take(len(self._pending))
            taken += len(chunk)
            if taken > most:
                raise ExcessError(f"printed more than the {in_words(most)} that were waited for")
            sink(chunk)
            if not self._more(deadline):
                return self._ended

    def said(self, patience_s: float = 1.0) -> str:
        """The end of what it printed on stderr so far; of a program that has ended, all of that is waited for."""
        if self.child.returncode is not None:
            for thread in self._threads[-1:]:
                thread.join(patience_s)
        return bytes(self._stderr[-STDERR_KEPT:]).decode(errors="replace")

    def close(self) -> None:
        """Stop reading; the child should have been ended, else its pipes stay open until it ends."""
        self._over.set()
        for thread in self._threads:
            thread.join(DRAIN_S)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._pending[:count])
        del self._pending[:count]
        self._searched = 0
        return taken

    def _more(self, deadline: float) -> bool:
        """Wait for more on stdout; False at its end, or when the deadline has passed."""
        while not self._ended:
            try:
                chunk = self._chunks.get(timeout=max(0.0, min(POLL_S, deadline - time.monotonic())))
            except queue.Empty:
                if time.monotonic() >= deadline:
                    return False
                if wait(self.child, 0) is not None:  # what it started may hold its stdout open for ever
                    end_group(self.child.pid)
                    self._silent_polls += 1
                    self._ended = self._silent_polls * POLL_S >= DRAIN_S
                continue
            self._silent_polls = 0
            if isinstance(chunk, ExcessError):
                raise chunk
            self._ended = not chunk
            self._pending += chunk
            return not self._ended
        return False

    def _pump_stdout(self, stream: IO[bytes]) -> None:
        for chunk in chunks_of(stream):
            if not self._put(chunk):
                return
        self._put(b"")

    def _pump_stderr(self, stream: IO[bytes]) -> None:
        count = 0
        for chunk in chunks_of(stream):
            self._stderr += chunk
            if len(self._stderr) > 2 * STDERR_KEPT:
                del self._stderr[:-STDERR_KEPT]
            count += len(chunk)
            if count > STDERR_BYTES:
                self._put(ExcessError(f"printed more than {in_words(STDERR_BYTES)} on stderr"))
                return

    def _put(self, item: bytes | ExcessError) -> bool:
        """Queue what was read; False when nobody will ask for it."""
        while not self._over.is_set():
            try:
                self._chunks.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False


def chunks_of(stream: IO[bytes]) -> Iterator[bytes]:
    """What comes through a pipe, as it comes; a pipe that breaks has ended. It is closed then."""
    with stream:
        while True:
            try:
                chunk = os.read(stream.fileno(), CHUNK)
            except OSError:
                return
            if not chunk:
                return
            yield chunk


def in_words(count: int) -> str:
    """Bytes as a person says them."""
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count} bytes"


@dataclass(frozen=True)
class Printed:
    """A program that has ended.

    Attributes:
        code: its exit code; None: it was stopped when its time was over.
        stdout: all of it, without the noise before the mark; empty when it went elsewhere.
        said: the end of its stderr.
        noise: what came before the mark.
        excess: why it was stopped, when it printed too much; then ``code`` means nothing.
        marked: whether the mark was found.
    """

    code: int | None
    stdout: bytes
    said: str
    noise: bytes = b""
    excess: str = ""
    marked: bool = True

    def how(self, limit_s: float) -> str:
        """How it ended, in words that follow its name."""
        return self.excess or describe_exit(self.code, limit_s)


def gather(
    command: list[str],
    timeout_s: float,
    *,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
    most: int = ANSWER_BYTES,
    mark: bytes = b"",
    sink: Callable[[bytes], object] | None = None,
    together: bool = False,
    apart: bool = True,
) -> Printed:
    """Run ``command`` to its end, or stop it when the time is over or it prints too much.

    Args:
        command: program and arguments.
        timeout_s: for all of it.
        stdin: what it reads; with ``subprocess.PIPE`` a pipe that stays open until it ends.
        env: its environment; ours when None.
        most: bytes of stdout.
        mark: a line after which its own output begins; empty for none.
        sink: takes stdout piece by piece in place of the result.
        together: stderr goes to stdout.
        apart: in a process group of its own, which is ended with it; else it is ended with ours.
    """
    taken = bytearray()
    deadline = time.monotonic() + timeout_s
    child = subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, env=env, start_new_session=apart,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
    )  # fmt: skip
    noise, excess, code = b"", "", None
    with supervised(child):
        listener = Listener(child)
        try:
            if mark:
                noise = listener.skip_to(mark, deadline) or b""
            whole = listener.rest(deadline, sink or taken.extend, most)
            code = wait(child, max(0.0, deadline - time.monotonic())) if whole else None
        except ExcessError as error:
            excess = str(error)
        finally:
            end_group(child.pid) if apart else child.kill()
            if child.stdin is not None:
                child.stdin.close()
            listener.close()
    return Printed(code, bytes(taken), listener.said(), noise, excess, listener.marked or not mark)
