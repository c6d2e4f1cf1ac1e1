"""What a file says is fetched from where it may be, and no more of it than it may have."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from edgekit.base.fetched import download as module
from edgekit.base.fetched.download import download
from edgekit.errors import ToolError, UsageError


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path: ``/to/URL`` redirects there, ``/short`` promises too much, ``/endless`` does not end.

    ``/headers`` and ``/trailers`` do not end either, and no byte of them is one of the content.
    """

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        if self.path in ("/headers", "/trailers"):
            self.drip()
            return
        self.send_response(200)
        if self.path == "/short":
            self.send_header("Content-Length", "100")
        self.end_headers()
        try:
            while self.wfile.write(b"content") and self.path == "/endless":
                pass
        except OSError:
            pass  # the client has had enough

    def drip(self) -> None:
        """One line after another, without an end: headers, or what may follow a body."""
        begin = b"HTTP/1.1 200 OK\r\n"
        if self.path == "/trailers":
            begin += b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
        try:
            self.wfile.write(begin)
            while True:
                self.wfile.write(b"a: b\r\n")
                time.sleep(0.02)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a server on loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def fetch(url: str, limit: int = 100) -> bytes:
    return download(url, limit, "the file from", "try another")


def test_what_is_there_is_fetched_also_behind_a_redirect(url: str) -> None:
    assert fetch(f"{url}/file") == b"content"
    assert fetch(f"{url}/to/{url}/file") == b"content"
    assert fetch(f"{url}/file", 7) == b"content"


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "http://example.org/x", "data:,x"])
def test_a_redirect_to_what_could_not_be_named_is_not_followed(url: str, target: str) -> None:
    with pytest.raises(ToolError, match="edirect"):
        fetch(f"{url}/to/{target}")


def test_not_a_byte_more_than_allowed(url: str) -> None:
    with pytest.raises(ToolError, match="larger than the 6 bytes"):
        fetch(f"{url}/file", 6)
    with pytest.raises(ToolError, match="larger than the 5000000 bytes"):
        fetch(f"{url}/endless", 5_000_000)


def test_too_little_is_told(url: str) -> None:
    with pytest.raises(ToolError, match="cut off: 7 of 100 bytes"):
        fetch(f"{url}/short")


@pytest.mark.parametrize("path", ["endless", "headers", "trailers"])
def test_a_sender_that_does_not_end_is_given_up(url: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_S", 0.2)
    with pytest.raises(ToolError, match=r"not finished after 0\.2 s"):
        fetch(f"{url}/{path}", 1 << 40)


def test_a_sender_that_greets_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=greet, args=(server,), daemon=True).start()
        with pytest.raises(ToolError, match=r"not finished after 0\.5 s"):
            fetch(f"https://127.0.0.1:{server.getsockname()[1]}/file")


def greet(server: socket.socket) -> None:
    """The beginning of TLS: a message that is promised to be long, byte by byte."""
    connection, _ = server.accept()
    with connection, suppress(OSError):
        connection.sendall(b"\x16\x03\x03\x40\x00")
        while True:
            connection.sendall(b"\0")
            time.sleep(0.02)


def test_a_file_of_this_machine_is_no_address(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("secret")
    with pytest.raises(UsageError, match="only https is allowed"):
        fetch((tmp_path / "x").as_uri())
