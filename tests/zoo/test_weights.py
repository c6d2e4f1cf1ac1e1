"""Public weights, from a real web server on loopback, kept by their content."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from edgekit.catalog import find_card
from edgekit.errors import ToolError, UsageError
from edgekit.types import ModelCard, Weights
from edgekit.zoo import weights as module
from edgekit.zoo.weights import fetch, file_name


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """The address of a server that answers with the path that it was asked for, and what it was asked for."""
    asked: list[str] = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}", asked
        running.shutdown()


def card(url: str, sha256: str | None = None) -> ModelCard:
    return find_card("squeezenet").model_copy(update={"weights": (Weights(name="w", url=url, sha256=sha256),)})


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("told", [True, False])
def test_two_addresses_that_end_alike_are_two_files(server: tuple[str, list[str]], tmp_path: Path, told: bool) -> None:
    url, asked = server
    for turn in range(2):
        for path in ("/a/model.pth", "/b/model.pth"):
            file = fetch(card(url + path, digest(path)[:8] if told else None), tmp_path)
            assert file == tmp_path / digest(path) / "model.pth"
            assert file.read_text() == path
        assert len(asked) == 2, f"turn {turn}: the second time from the cache"


def test_one_content_of_two_addresses_is_fetched_once(server: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = server
    first = fetch(card(f"{url}/model.pth", digest("/model.pth")), tmp_path)
    assert fetch(card("https://mirror.invalid/x/model.pth", digest("/model.pth")), tmp_path) == first
    assert asked == ["/model.pth"]


def test_a_damaged_file_is_fetched_anew(server: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = server
    one = card(f"{url}/model.pth", digest("/model.pth")[:8])
    fetch(one, tmp_path).write_text("damaged")
    assert fetch(one, tmp_path).read_text() == "/model.pth"
    assert len(asked) == 2


def test_another_file_is_not_kept(server: tuple[str, list[str]], tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"has sha256 [0-9a-f]{16}…, not 0{8}…; it is not kept"):
        fetch(card(f"{server[0]}/model.pth", "0" * 8), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_endless_file_is_not_read(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_BYTES", 5)
    with pytest.raises(ToolError, match="larger than the 5 bytes"):
        fetch(card(f"{server[0]}/model.pth"), tmp_path)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x.org/v1/mobilenet_v2-b0353104.pth", "mobilenet_v2-b0353104.pth"),
        ("https://x.org/model.pth?token=1/../../a", "model.pth"),
        ("https://x.org/a/..", "weights.pth"),
        ("https://x.org/%2e%2e%2fevil.pth", "evil.pth"),
        ("https://x.org/%00.safetensors", "weights.safetensors"),
        ("https://x.org", "weights.pth"),
    ],
)
def test_the_file_has_a_name(url: str, name: str) -> None:
    assert file_name(url) == name


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://x.org/w.pth", "https://user:secret@x.org/w.pth", "x.pth"]
)
def test_a_card_with_an_address_that_may_not_be_fetched_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="url"):
        Weights(name="w", url=url)
    smuggled = find_card("squeezenet").model_copy(
        update={"weights": (Weights.model_construct(name="w", url=url, sha256=None),)}
    )
    with pytest.raises(UsageError) as caught:
        fetch(smuggled, tmp_path)
    assert "secret" not in str(caught.value)


def test_a_folder_is_no_checkpoint_and_what_is_in_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "config.json").touch()
    with pytest.raises(UsageError, match="is a folder, and --weights takes a file") as caught:
        module.resolve_weights(find_card("squeezenet"), str(tmp_path))
    assert caught.value.hint == "name one in it: model.safetensors"
