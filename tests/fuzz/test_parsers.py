"""Every parser of what strangers write: any content ends with a value or an error of edgekit's, in linear time.

The short form runs a few hundred fixed inputs for each. ``make fuzz`` goes on with new ones for five minutes
(``EDGEKIT_FUZZ_S`` seconds). What it finds belongs into ``corpus/<parser>/``: the short form runs each file there.
"""

from __future__ import annotations

import json
import math
import os
import random
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from edgekit.errors import EdgekitError, UsageError
from tests.fuzz.parsers import CORPUS, PARSERS, seeds

FUZZ_S = float(os.environ.get("EDGEKIT_FUZZ_S", "0"))
SHORT, LONG = 60, 500
"""Inputs of a parser: of the whole short form, and of one turn of the long one."""
SLOWEST_S = 3.0
"""CPU time of one input: they are of some kilobytes."""

NASTY: list[Any] = [
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**400, -(10**400), 1e308, 5e-324, -0.0, math.nan, math.inf, 0.1),
    *("", "x", "../../x", "/etc/passwd", "a" * 300, "\x1b]0;x\x07", "\x00", "\u202e", "\ud800", "=1+1", "{x}", "%s"),
    *("con", "2024-01-01", "file:///etc/passwd", "https://user:secret@example.org/", "9" * 400, "-1", "1e999", "NaN"),
    *([], {}, [[]], [None], [1] * 200, {"a": {}}, {"": ""}, [{}] * 20, {"x": [1, {"y": [2]}]}),
]
TOKENS = [
    *(b"[", b"]", b"{", b"}", b'"', b"'", b"\\", b",", b":", b"=", b".", b"\n", b"\r", b"\t", b"\x00", b"\xff", b"#"),
    *(b"9" * 30, b"-", b"1e999", b"NaN", b"null", b"true", b"\\ud800", b"[[a]]", b"a.b.c = 1", b"inf", b"1979-05-27"),
    *(b"\x80\x02", b"c__builtin__\neval\n", b"R", b"(", b"t", b"}", b"\xe2\x80\xae", b'"""', b"'''", b"count=", b"0x1"),
]


@st.composite
def mutated(draw: st.DrawFn, whole: list[bytes]) -> bytes:
    """A seed with a few of its bytes, or of its values, exchanged."""
    content = draw(st.sampled_from(whole))
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()) and (changed := with_value(draw, content)) is not None:
            content = changed
            continue
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from(TOKENS) | st.binary(max_size=4) | st.just(content[begin:end] * 3))
        content = content[:begin] + piece + content[end:]
    return content


def with_value(draw: st.DrawFn, content: bytes) -> bytes | None:
    """JSON, or a line of TOML, with another value somewhere; None for what is neither."""
    value = draw(st.sampled_from(NASTY))
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError):
        lines = content.split(b"\n")
        at = draw(st.integers(0, len(lines) - 1))
        if b" = " not in lines[at]:
            return None
        text = json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")
        lines[at] = lines[at].partition(b" = ")[0] + b" = " + text.encode()
        return b"\n".join(lines)
    places = list(places_in(plain))
    if not places:
        return None
    holder, key = draw(st.sampled_from(places))
    if draw(st.integers(0, 5)):
        holder[key] = value
    else:
        del holder[key]
    try:
        return json.dumps(plain).encode()
    except (ValueError, RecursionError):
        return None


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Every holder and key in a value, down to a depth that files of edgekit have."""
    found, level = [], [value]
    for _ in range(8):
        inner = []
        for holder in level:
            pairs = (
                holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
            )
            for key, one in pairs:
                found.append((holder, key))
                inner.append(one)
        level = inner
    return found


def check(name: str, content: bytes) -> None:
    """A value, or an error with words for a person; within a time."""
    begun = time.process_time()
    refused = None
    try:
        PARSERS[name](content)
    except EdgekitError as error:
        refused = error
    assert time.process_time() - begun < SLOWEST_S
    assert refused is None or (0 < len(str(refused)) < 10_000 and refused.exit_code in (2, 3))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_every_folder_of_the_corpus_has_a_parser() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= set(PARSERS)
    assert all(seeds(name) for name in PARSERS)


@pytest.mark.parametrize("name", PARSERS)
def test_the_corpus(name: str) -> None:
    for content in (b"", *seeds(name)):
        check(name, content)


@pytest.mark.timeout(FUZZ_S + 600)
@pytest.mark.parametrize("name", PARSERS)
def test_any_content_ends_with_a_value_or_an_error_of_edgekit(name: str) -> None:
    whole = seeds(name)
    ends = time.monotonic() + FUZZ_S / len(PARSERS)
    turn = random.SystemRandom().getrandbits(32) if FUZZ_S else 0
    while True:

        @seed(turn)
        @settings(
            max_examples=LONG if FUZZ_S else SHORT,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink) if FUZZ_S else (Phase.generate,),
        )
        @given(mutated(whole))
        def holds(content: bytes) -> None:
            check(name, content)

        holds()
        turn += 1
        if time.monotonic() >= ends:
            return


UNITS = [
    *(b"[", b'{"a":', b'"', b"'", b"\\", b"a.", b"a = 1\n", b"[a]\n", b" ", b"\n", b"9", b"\x00", b"a,", b"[x]: [y]\n"),
    *(b"}", b"count=1 curr=1 ", b"== edgekit time\n", b"\t", b'""', b"\x80", b"(", b"-", b"#", b"\xff"),
]
FEW, MANY = 4_000, 32_000


@pytest.mark.parametrize("name", PARSERS)
def test_time_grows_no_faster_than_the_content(name: str) -> None:
    first = seeds(name)[0]
    lines = sorted(set(first.splitlines(keepends=True)), key=len)[:6]
    for unit in (*UNITS, *lines):
        for wrap in (lambda inner: inner, lambda inner: first[: len(first) // 2] + inner + first[len(first) // 2 :]):
            short = took(name, wrap(unit * (FEW // len(unit) + 1)))
            long = took(name, wrap(unit * (MANY // len(unit) + 1)))
            if long > 0.3 and long > 3 * MANY / FEW * short:  # it may have been the machine: again
                long = min(took(name, wrap(unit * (MANY // len(unit) + 1))) for _ in range(3))
            assert long < 0.3 or long < 3 * MANY / FEW * short, (unit, short, long)


def took(name: str, content: bytes) -> float:
    """CPU time of one content."""
    begun = time.process_time()
    with suppress(EdgekitError):
        PARSERS[name](content)
    return time.process_time() - begun


def test_the_check_itself_finds_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def crashes(content: bytes) -> object:
        return content[1000]

    monkeypatch.setitem(PARSERS, "crashes", crashes)
    with pytest.raises(IndexError):
        check("crashes", b"")

    def says_nothing(content: bytes) -> object:
        raise UsageError("")

    monkeypatch.setitem(PARSERS, "says_nothing", says_nothing)
    with pytest.raises(AssertionError):
        check("says_nothing", b"")
