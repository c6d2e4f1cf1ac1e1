"""What a file says is fetched from where it may be, and no more of it than it may have."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.base.fetched import download as module
from edgekit.base.fetched.download import download
from edgekit.errors import ToolError, UsageError


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path: ``/to/URL`` redirects there, ``/short`` promises too much, ``/endless`` does not end."""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
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


def test_a_sender_that_does_not_end_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_S", 0.2)
    with pytest.raises(ToolError, match=r"not finished after 0\.2 s"):
        fetch(f"{url}/endless", 1 << 40)


def test_a_file_of_this_machine_is_no_address(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("secret")
    with pytest.raises(UsageError, match="only https is allowed"):
        fetch((tmp_path / "x").as_uri())
