"""Every parser of what strangers write: any content ends with a value or an error of edgekit's, in linear time.

The short form runs a few hundred fixed inputs for each. ``make fuzz`` goes on with new ones for five minutes
(``EDGEKIT_FUZZ_S`` seconds). What it finds belongs into ``corpus/<parser>/``: the short form runs each file there.
"""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import random
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from edgekit.artifacts.store import read_manifest
from edgekit.base.owned import MANIFEST
from edgekit.bench.answers import SpoiltError, Value, checked, parse
from edgekit.catalog import find_card, find_profile
from edgekit.cli.show.models import model_details
from edgekit.devices.entries import read_entries
from edgekit.devices.phone import state as phone_state
from edgekit.devices.phone.battery import look_of
from edgekit.devices.phone.benchmark_output import parse_output
from edgekit.devices.phone.benchmark_result import read_result
from edgekit.errors import EdgekitError, UsageError
from edgekit.gate.baselines import PIN, read_pin
from edgekit.gate.config import read_config
from edgekit.reports.counted.store import load_count
from edgekit.reports.counted.words import grown, markdown_section
from edgekit.reports.csv_file import measured
from edgekit.reports.indexed.summaries import read_back, summarised, written
from edgekit.reports.markdown import render_markdown
from edgekit.reports.store import digest, load
from edgekit.reports.summary import summarise
from edgekit.types import Baseline
from edgekit.verify.label_file import numbers_of, read_rows
from edgekit.zoo.checkpoints import read_checkpoint
from edgekit.zoo.class_names import beside as class_names_beside
from edgekit.zoo.conventions import named_tf
from edgekit.zoo.preprocessing_files import beside as preprocessing_beside

CORPUS = Path(__file__).parent / "corpus"
FUZZ_S = float(os.environ.get("EDGEKIT_FUZZ_S", "0"))
SHORT, LONG = 60, 500
"""Inputs of a parser: of the whole short form, and of one turn of the long one."""
SLOWEST_S = 3.0
"""CPU time of one input: they are of some kilobytes."""

RESULT = "0a0178120f0d000090401500008040" + "2d000088401a0d08ac0210ffffffffffffffffff01220210327a017a"
"""A result file of LiteRT's benchmark: protobuf."""
GRAPH = (
    "0a580a1c4d6f62696c656e657456312f436f6e7632645f302f776569676874731205436f6e73742a310a0576616c75651228"
    "4226080112101202080112020801120208021202080222100000803f0000803f0000803f0000803f"
)
"""A constant of a frozen graph: protobuf."""

Parser = Callable[[bytes], object]
PARSERS: dict[str, Parser] = {}


def parser(function: Parser) -> Parser:
    """Register a parser under its name."""
    PARSERS[function.__name__] = function
    return function


def file_of(name: str, content: bytes) -> Path:
    """The content as a file in the folder of the test."""
    path = Path(name)
    path.write_bytes(content)
    return path


@parser
def manifest(content: bytes) -> object:
    return read_manifest(file_of(MANIFEST, content).parent)


@parser
def measurement(content: bytes) -> object:
    """A report, sealed anew where that is possible: whoever writes one can seal it."""
    m = load(file_of("measurement.json", resealed(content, "digest", digest)))
    assert read_back(written(summarised(m))) == summarised(m)
    return measured(m), render_markdown(summarise([m], {}), "0")


@parser
def counts(content: bytes) -> object:
    """Counts, sealed anew where that is possible."""
    counted = load_count(file_of("counts.json", resealed(content, "digest", digest)))
    return markdown_section([counted]), grown(counted, counted), counted.key, counted.noise


@parser
def pin(content: bytes) -> object:
    return read_pin(file_of(PIN, resealed(content, "seal", seal_of)).parent)


@parser
def card(content: bytes) -> object:
    return model_details(find_card(str(file_of("card.toml", content))))


@parser
def profile(content: bytes) -> object:
    return find_profile(str(file_of("profile.toml", content)))


@parser
def gate(content: bytes) -> object:
    config = read_config(file_of("gate.toml", content), {"mobilenet_v1_0.25"})
    return config.lookup("rpi4", "mobilenet_v1_0.25")


@parser
def devices(content: bytes) -> object:
    file_of("devices.toml", content)
    return read_entries()


@parser
def sidecar(content: bytes) -> object:
    """What lies beside a checkpoint, read by all who look there."""
    for name in ("config.json", "preprocessor_config.json"):
        file_of(name, content)
    weights = Path("weights.pth")
    return class_names_beside(weights), named_tf(weights), preprocessing_beside(weights)


@parser
def agent(content: bytes) -> object:
    """A line of an agent; an answer is held against every command."""
    try:
        message = parse(content)
    except SpoiltError:
        return None
    for command in ("bench", "state", "memory", "per_op", "sustained", "roofline", "info"):
        if isinstance(message, Value):
            try:
                checked({"command": command, "min_iterations": 50, "max_s": 20.0}, message.value)
            except (SpoiltError, EdgekitError):
                continue
    return message


@parser
def phone_output(content: bytes) -> object:
    return parse_output(content.decode(errors="replace"))


@parser
def phone_result(content: bytes) -> object:
    return read_result(content)


@parser
def phone_look(content: bytes) -> object:
    text = content.decode(errors="replace")
    look = phone_state.sections(text)
    return phone_state.state(look), phone_state.info(look), phone_state.free(look), look_of(text, 1)


@parser
def labels(content: bytes) -> object:
    path = file_of("labels.txt", content)
    return numbers_of(path, read_rows(path))


@parser
def checkpoint(content: bytes) -> object:
    """The pickle of a checkpoint, in the archive that torch.save writes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in (("data.pkl", content), ("byteorder", b"little"), ("data/0", bytes(64)), ("version", b"3")):
            archive.writestr(f"archive/{name}", data)
    return read_checkpoint(file_of("weights.pth", stream.getvalue()))


@parser
def graph(content: bytes) -> object:
    """A frozen graph of TensorFlow."""
    return read_checkpoint(file_of("frozen.pb", content))


@parser
def arrays(content: bytes) -> object:
    """A pickle of NumPy's arrays."""
    return read_checkpoint(file_of("weights.pkl", content))


@parser
def safetensors(content: bytes) -> object:
    """The header of a safetensors file."""
    return read_checkpoint(file_of("weights.safetensors", len(content).to_bytes(8, "little") + content + bytes(64)))


def resealed(content: bytes, key: str, seal: Callable[[dict[str, Any]], str]) -> bytes:
    """The content with a seal that fits; as it is where it has none."""
    try:
        plain = json.loads(content)
        plain.pop(key)
        return json.dumps({**plain, key: seal(plain)}).encode()
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        return content


def seal_of(plain: dict[str, Any]) -> str:
    """The seal of a pin; any, where it is none."""
    try:
        return Baseline.from_plain({**plain, "seal": "0" * 64}).digest()
    except (ValueError, OverflowError):
        return "0" * 64


def made_seeds(name: str) -> list[bytes]:
    """Seeds that are no text, made here."""
    if name == "checkpoint":
        import torch

        stream = io.BytesIO()
        header = {"model": "mobilenet_v1_0.25", "layout": "timm", "architecture": {"width": 0.25}, "classes": ["a"]}
        torch.save({"state_dict": {"module.conv.weight": torch.zeros(2, 2)}, "edgekit": header, "epoch": 3}, stream)
        with zipfile.ZipFile(stream) as archive:
            whole = archive.read("archive/data.pkl")
        return [whole, pickle.dumps({"a": [1, "b", None, 2.5]}, protocol=2)]
    if name == "safetensors":
        tensor = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
        return [json.dumps({"conv.weight": tensor, "__metadata__": {"format": "pt"}}).encode()]
    if name == "graph":
        return [bytes.fromhex(GRAPH)]
    if name == "arrays":
        content = {
            "conv1": [np.ones((1, 1, 2, 3), np.float32), np.ones(3)],
            "fire2/squeeze1x1": [np.ones((1, 1, 3, 2))],
        }
        return [pickle.dumps(content, protocol) for protocol in (2, 4, 5)]
    if name == "phone_result":
        return [bytes.fromhex(RESULT)]
    if name == "labels":
        return [b"x" * 140_000 + b",1\nb.jpg,2\n"]
    return []


def seeds(name: str) -> list[bytes]:
    """The kept corpus of a parser."""
    kept = [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
    return kept + made_seeds(name)


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
