"""Download a file from an untrusted address: over https only, with limits on bytes and time."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from email.message import Message
from typing import IO, Any

from ...errors import ToolError, UsageError, shown
from ...types.urls import checked_url

STALL_S, WHOLE_S = 60.0, 1800.0
"""Without a byte, and from begin to end."""
CHUNK_BYTES = 1 << 20


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to an address that would have been allowed itself, and never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The next request, or an error that says where it would have led."""
        try:
            checked_url(newurl)
        except ValueError as error:
            raise urllib.error.URLError(f"it redirects to {shown(newurl)}: {error}") from error
        if req.type == "https" and not newurl.startswith("https:"):
            raise urllib.error.URLError(f"it redirects from https to {shown(newurl)}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Opener(urllib.request.OpenerDirector):
    """Opens addresses, and can end all of its connections at any time: a sender may drip bytes without an end.

    Attributes:
        ended: whether it has.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ended = False
        self.connections: list[socket.socket] = []

    def note(self, connection: socket.socket) -> None:
        """Remember a connection; its own end may be handed on to TLS, so a second one is kept."""
        self.connections.append(socket.socket(fileno=os.dup(connection.fileno())))
        if self.ended:
            self.end()

    def end(self) -> None:
        """End every connection, whatever waits for it in another thread."""
        self.ended = True
        for connection in self.connections:
            with suppress(OSError):  # the other side has ended it already
                connection.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """Let the connections go."""
        while self.connections:
            self.connections.pop().close()


class Noted(http.client.HTTPConnection):
    """A connection that its opener can end."""

    way: Opener

    def connect(self) -> None:
        """As the base class does."""
        super().connect()
        self.way.note(self.sock)


class NotedTls(http.client.HTTPSConnection, Noted):
    """The same over TLS: it is noted before the two sides greet each other."""


class Http(urllib.request.HTTPHandler):
    """Opens http by a connection that is noted."""

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """The answer."""
        return self.do_open(noted(Noted, self.parent), req)


class Https(urllib.request.HTTPSHandler):
    """Opens https by a connection that is noted."""

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """The answer."""
        return self.do_open(noted(NotedTls, self.parent), req)


def noted(kind: type[Noted], way: Any) -> Any:
    """A class of connections that ``way`` can end."""
    return type(kind.__name__, (kind,), {"way": way})


def opener(files_too: bool = False) -> Opener:
    """The opener of addresses: http and https, through the proxies of the environment; no ``file:``, no ``ftp:``."""
    made = Opener()
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        Http(),
        Https(),
        urllib.request.HTTPDefaultErrorHandler(),
        SafeRedirects(),
        urllib.request.HTTPErrorProcessor(),
    ]
    for handler in [*handlers, *([urllib.request.FileHandler()] if files_too else [])]:
        made.add_handler(handler)
    return made


def require_safe(url: str, field: str) -> str:
    """``url``, when it may be fetched.

    Raises:
        UsageError: it may not; ``field`` says where it stands.
    """
    try:
        return checked_url(url)
    except ValueError as error:
        raise UsageError(f"{field}: {error} (value: {shown(url)})", "name an https address") from error


def download(url: str, limit_bytes: int, what: str, hint: str) -> bytes:
    """All that ``url`` holds, at most ``limit_bytes``.

    Args:
        url: https, or http on this machine.
        limit_bytes: reading ends with the first byte beyond.
        what: is fetched, for errors: ``the weights from``, before the address.
        hint: what to do when it cannot be.

    Raises:
        UsageError: an address that may not be fetched.
        ToolError: it cannot be reached, redirects to such an address, ends too early, takes too long or is too large.
    """
    require_safe(url, "the address")
    return read_whole(opener(), url, limit_bytes, what, hint)


def read_whole(way: Opener, url: str, limit_bytes: int, what: str, hint: str) -> bytes:
    """As :func:`download`, of an address that its caller trusts and by what ``way`` opens.

    Raises:
        ToolError: as there.
    """
    # A limit between two bytes alone would let a sender go on for days: in its headers, too, and while TLS begins.
    clock = threading.Timer(WHOLE_S, way.end)
    clock.daemon = True
    clock.start()
    too_slow = ToolError(f"cannot fetch {what} {url}: not finished after {WHOLE_S:g} s", hint)
    try:
        with way.open(url, timeout=STALL_S) as answer:
            content = read_bounded(answer, limit_bytes)
            promised: Message = answer.headers
    except urllib.error.HTTPError as error:
        error.close()
        raise ToolError(f"cannot fetch {what} {url}: {error}", hint) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if way.ended:
            raise too_slow from error
        raise ToolError(f"cannot fetch {what} {url}: {getattr(error, 'reason', error)}", hint) from error
    finally:
        clock.cancel()
        way.forget()
    if way.ended:
        raise too_slow
    if len(content) > limit_bytes:
        raise ToolError(f"{url} is larger than the {limit_bytes} bytes that it may have", hint)
    length = promised.get("Content-Length", "")
    if length.isdigit() and len(content) != int(length):
        raise ToolError(f"{url} was cut off: {len(content)} of {length} bytes", "try again")
    return content


def read_bounded(stream: Any, limit_bytes: int) -> bytes:
    """The bytes of a stream up to one beyond the limit, so that too many can be told."""
    content = bytearray()
    while len(content) <= limit_bytes:
        # read1 returns what is there; a full read would wait until a slow sender fills the chunk.
        part = stream.read1(min(CHUNK_BYTES, limit_bytes + 1 - len(content)))
        if not part:
            break
        content += part
    return bytes(content)
