"""The native benchmark by URL, from a real web server on loopback."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.base.folders import phone_programs_folder
from edgekit.base.progress import silent
from edgekit.devices.phone import program as benchmark_program
from edgekit.devices.phone.program import fetched
from edgekit.devices.reach import runner_of
from edgekit.errors import ToolError, UsageError
from edgekit.verbs.devices import add_device, list_devices

PROGRAM = b"\x7fELF" + bytes(range(256)) * 50
DIGEST = hashlib.sha256(PROGRAM).hexdigest()


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """The address of a web server and what it was asked for."""
    asked: list[str] = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path == "/absent":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(PROGRAM)))
            self.end_headers()
            self.wfile.write(PROGRAM[:100] if self.path == "/cut" else PROGRAM)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}", asked
        running.shutdown()


def kept() -> list[Path]:
    return list(phone_programs_folder().iterdir()) if phone_programs_folder().is_dir() else []


def test_it_is_fetched_once_and_a_changed_file_anew(server: tuple[str, list[str]]) -> None:
    url, asked = server
    add_device("pixel", "adb:28241FDH2001AB", benchmark_model_url=f"{url}/program", benchmark_model_sha256=DIGEST)
    device = next(one.device for one in list_devices() if one.device.id == "pixel")
    for _ in range(2):
        path, _named = runner_of(device, silent)
        assert path.read_bytes() == PROGRAM
    assert asked == ["/program"]
    path.write_bytes(b"changed")
    assert runner_of(device, silent)[0].read_bytes() == PROGRAM
    assert asked == ["/program"] * 2


def test_a_wrong_digest_names_both_and_keeps_nothing(server: tuple[str, list[str]]) -> None:
    with pytest.raises(ToolError, match=f"has sha256 {DIGEST}, not {'0' * 64}"):
        fetched(f"{server[0]}/program", "0" * 64)
    assert kept() == []


@pytest.mark.parametrize(("name", "said"), [("absent", "404"), ("cut", f"cut off: 100 of {len(PROGRAM)} bytes")])
def test_a_download_that_fails(server: tuple[str, list[str]], name: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        fetched(f"{server[0]}/{name}", DIGEST)
    assert kept() == []


def test_more_than_the_limit(server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_program, "LIMIT_BYTES", 1000)
    with pytest.raises(ToolError, match="is larger than"):
        fetched(f"{server[0]}/program", DIGEST)
    assert kept() == []


def test_a_file_url(tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(PROGRAM)
    assert fetched((tmp_path / "program").as_uri(), DIGEST).read_bytes() == PROGRAM


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"benchmark_model_url": "https://example.org/b"}, "go together"),
        ({"benchmark_model_sha256": DIGEST}, "go together"),
        ({"benchmark_model_url": "ftp://example.org/b", "benchmark_model_sha256": DIGEST}, "benchmark_model_url"),
        ({"benchmark_model_url": "https://example.org/b", "benchmark_model_sha256": DIGEST, "benchmark_model": "b"},
         "not both"),
    ],
)  # fmt: skip
def test_entries_that_are_refused(more: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        add_device("pixel", "adb:28241FDH2001AB", **more)
