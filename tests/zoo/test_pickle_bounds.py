"""Pickles of a few bytes that describe what nobody can walk, hash or show: refused at once, and the process goes on."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import UsageError
from edgekit.zoo.pickle_bounds import DEEPEST, BoundsError, Opaque, check_key, check_value
from edgekit.zoo.pickled import ARCHIVE, checkpoint_values
from edgekit.zoo.safe_load import read_file

DEEP = b")" + b"\x85" * 5_000
"""A tuple in a tuple in a tuple …: hashing one twenty times as deep ends the process."""
TWICE = b")" + b"2\x86" * 60
"""A tuple that holds itself twice, sixty times over: hashing it never ends."""


def shared(width: int, levels: int) -> bytes:
    """A list that holds the one before it several times, some levels over; the last one is memo 0."""
    return b"]q\x00" + b"".join(b"0](" + b"h\x00" * width + b"eq\x00" for _ in range(levels))


def text(word: bytes) -> bytes:
    """A word on the stack."""
    return b"X" + len(word).to_bytes(4, "little") + word


PICKLES = {
    "a key in a key": b"})" + b"\x85" * 3 + b"K\x01s",
    "a deep key": b"}" + DEEP + b"K\x01s",
    "a key that doubles": b"}" + TWICE + b"K\x01s",
    "a dict from the stack": b"(" + DEEP + b"K\x01d",
    "a set": b"c__builtin__\nset\n]" + DEEP + b"a\x85R",
    "a counter": b"ccollections\nCounter\n]" + DEEP + b"a\x85R",
    "pairs": b"ccollections\nOrderedDict\n]" + DEEP + b"K\x01\x86a\x85R",
    "a call in a call": b"ctorch._tensor\n_rebuild_from_type_v2\n(c__builtin__\nset\nc__builtin__\nset\n]"
    + DEEP
    + b"a\x85tR",
    "bytes that are not there": b"c__builtin__\nbytearray\n\x8a\x05\x00\x00\x00\x00\x10\x85R",
    "lists that unfold": shared(60, 12),
    "lists in a word of the header": b"}" + text(b"edgekit") + b"}" + text(b"layout") + shared(8, 9) + b"ss",
    "a list of itself": b"]q\x00h\x00a",
    "lists of each other": b"]q\x00]q\x010h\x00h\x01a0h\x01h\x00a",
    "deep lists": b"]" * (DEEPEST + 2) + b"a" * (DEEPEST + 1),
    "a name that only one reader reads": b"cm\n\xc3\xa9\n)R}" + DEEP + b"K\x01s",
}


def archive(path: Path, *members: tuple[str, bytes]) -> Path:
    """A zip archive as ``torch.save`` writes it."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in (*members, ("archive/byteorder", b"little"), ("archive/version", b"3")):
            file.writestr(name, content)
    return path


@pytest.mark.parametrize("pickled", PICKLES.values(), ids=list(PICKLES))
def test_they_are_refused(tmp_path: Path, pickled: bytes) -> None:
    content = b"\x80\x02" + pickled + b"."
    whole = archive(tmp_path / "a.pth", ("archive/data.pkl", content))
    (tmp_path / "b.pth").write_bytes(content)
    for path in (whole, tmp_path / "b.pth"):
        assert checkpoint_values(path) is None
        with pytest.raises(UsageError, match="refused") as refused:
            read_file(path)
        assert len(str(refused.value)) < 1000


def test_the_second_of_two_pickles(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = archive(tmp_path / "a.pth", *(("archive/data.pkl", b"\x80\x02" + p + b".") for p in (b"}", TWICE)))
    with pytest.raises(UsageError):
        read_file(path)


def test_a_pickle_before_an_archive(tmp_path: Path) -> None:
    inner = archive(tmp_path / "inner", ("archive/data.pkl", b"\x80\x02}.")).read_bytes()
    assert inner.startswith(ARCHIVE)
    path = tmp_path / "a.pth"
    path.write_bytes(b"\x80\x02}" + DEEP + b"K\x01s." + inner)
    with pytest.raises(UsageError, match="a key"):
        read_file(path)


def test_instructions_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.zoo.pickled.MOST_OPCODES", 1000)
    path = archive(tmp_path / "a.pth", ("archive/data.pkl", b"\x80\x02" + b"N0" * 600 + b"}."))
    with pytest.raises(UsageError, match="instructions"):
        read_file(path)


@pytest.mark.parametrize("key", ["a", 1, None, 0.5, (), ("a", 1), (None,), Opaque()])
def test_keys_that_trainers_write(key: Any) -> None:
    check_key(key)
    assert {key: 1}[key] == 1


def test_values_that_trainers_write() -> None:
    part = {"a": [1, 2, (3, "b")]}
    check_value({"first": part, "second": part, "made": Opaque({"again": part}, "m.C", (part,))})


def test_an_object_may_hold_itself() -> None:
    own = Opaque(kind="omegaconf.DictConfig")
    own.state["_parent"] = own
    check_value({"config": own})
    assert repr(own) == "<object omegaconf.DictConfig>"


def test_an_object_s_content_is_looked_at() -> None:
    own: list[Any] = []
    own.append(own)
    for made in (Opaque({"a": own}), Opaque(arguments=(own,)), Opaque(built=own)):
        with pytest.raises(BoundsError):
            check_value([made])
