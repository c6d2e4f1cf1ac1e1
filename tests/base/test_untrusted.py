from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgekit.base.untrusted import read_bounded, read_json, read_text
from edgekit.errors import UsageError


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON: "),
        (b"[" * 200_000, "nested too deeply"),
        (b"9" * 5000, "is not JSON: "),
        (b"\xff", "is not JSON: 'utf-8'"),
        (b"[" + b"1," * 600 + b"1]", "over 0.001"),
    ],
)
def test_whatever_is_in_a_file_is_refused_in_words(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        read_json(path, "mend it", 1000 if "over" in said else 10**6)
    assert caught.value.hint == "mend it"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, said in (("pipe", "is a named pipe"), ("gone", "cannot read"), (".", "cannot read")):
        with pytest.raises(UsageError, match=said):
            read_json(tmp_path / name, "")


def test_no_more_is_read_than_a_file_may_have(tmp_path: Path) -> None:
    path = tmp_path / "grows"
    path.write_bytes(b"x" * 5_000_000)
    assert len(read_bounded(path, 1000)) == 1001
    with pytest.raises(UsageError, match=r"grows is not JSON: it has 5 MB, over 0.001"):
        read_json(path, "", 1000)


def test_line_ends_of_windows_are_read_as_ours(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\r\nb\rc\n")
    assert read_text(tmp_path / "a", "") == "a\nb\nc\n"


def test_json_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"a": [1]}')
    assert read_json(tmp_path / "a", "") == {"a": [1]}


def test_a_mark_of_windows_in_front_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(tmp_path / "a.json", "") == {"a": 1}
