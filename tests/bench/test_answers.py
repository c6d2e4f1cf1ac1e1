"""A device that answers nonsense: every kind ends with a cause in plain words, and costs little."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.agent.commands.info import info
from edgekit.bench.answers import MOST_BRACKETS, MOST_EVENTS, Conversation, SpoiltError, Value, checked, parse
from edgekit.types.answers import Event, Refusal, Turn

STATE = {"unix_time": 1000.0, "load_1m": 0.1, "clock_khz": None, "max_clock_khz": None, "governor": None,
         "temperature_c": {"cpu": 40.0}, "throttled": []}  # fmt: skip
INFO = {"machine": "aarch64", "cpu": "board", "cores": 4, "system": "Linux", "python": "3.11", "isa": ["asimd"],
        "memory_bytes": 1000, "emulated": False}  # fmt: skip
TAKEN = {"name": "GPU", "adapter": "x", "emulated": False, "gpu_ops": 3, "cpu_ops": 0, "partitions": 1}
BENCH = {
    "info": INFO, "state_before": STATE, "state_after": STATE, "samples_ns": [1000] * 50, "warmup_ns": [1],
    "load_ns": 1, "first_inference_ns": 1, "runtime_version": "1.0", "versions": {"numpy": "1"}, "settings": {"t": 1},
    "delegation": TAKEN, "energy": None, "energy_note": "", "affinity": [0, 1], "ended_by": "precision",
    "half_width": 0.01,
}  # fmt: skip
ANSWERS: dict[str, dict[str, Any]] = {
    "bench": BENCH,
    "state": STATE,
    "memory": {"baseline_rss_bytes": 1, "peak_rss_bytes": None, "source": "VmHWM"},
    "per_op": {"per_op": [{"name": "a", "type": "CONV_2D", "ns": 1}], "note": ""},
    "sustained": {"points": [{"t_s": 0.5, "latency_ns": 1, "count": 1, "temperature_c": None, "clock_mhz": 1.0,
                              "throttled": None}]},
    "roofline": {"threads": 1, "fp32_macs_per_s": 1.0, "blas": "x", "info": INFO, "state_before": STATE,
                 "state_after": STATE, "bandwidth": [{"footprint_bytes": 1, "bytes_per_s": 2.0}]},
}  # fmt: skip
REQUEST = {"min_iterations": 50, "max_s": 20.0}


def hear(*lines: bytes) -> Conversation:
    conversation = Conversation(lambda _: None)
    for line in lines:
        conversation.take(line + b"\n")
    return conversation


def ok(value: object) -> bytes:
    return json.dumps({"ok": True, "value": value}).encode()


def test_what_agents_say_is_understood() -> None:
    assert parse(b'{"event": "load"}') == Event(event="load")
    assert parse(b'{"event": "turn", "samples_ns": [1]}') == Turn(event="turn", samples_ns=(1,))
    assert parse(b'{"ok": false, "kind": "cores", "message": "no"}') == Refusal(ok=False, kind="cores", message="no")
    conversation = hear(b'{"event": "load"}', ok(info()))
    assert isinstance(conversation.answer, Value)
    checked({"command": "info"}, conversation.answer.value)
    for command, value in ANSWERS.items():
        checked({"command": command, **REQUEST}, value)


NOT_A_MESSAGE = "which is not its protocol"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (bytes(range(256)), NOT_A_MESSAGE),
        (b"hello", "printed 'hello', " + NOT_A_MESSAGE),
        (b"", NOT_A_MESSAGE),
        (b"[1]", NOT_A_MESSAGE),
        (b"null", NOT_A_MESSAGE),
        (b'{"ok":true,"value":"x"}', NOT_A_MESSAGE),
        (b'{"ok":true,"value":{},"more":1}', NOT_A_MESSAGE),
        (b'{"ok":1,"value":{}}', NOT_A_MESSAGE),
        (b'{"ok":false,"kind":[1],"message":{"a":1}}', NOT_A_MESSAGE),
        (b'{"ok":false,"kind":"x"}', NOT_A_MESSAGE),
        (b'{"event":{"a":1}}', NOT_A_MESSAGE),
        (b'{"event":null}', NOT_A_MESSAGE),
        (b'{"event":"step","text":"x"}', NOT_A_MESSAGE),
        (b'{"event":"turn","samples_ns":[]}', NOT_A_MESSAGE),
        (b'{"event":"turn","samples_ns":[-1]}', NOT_A_MESSAGE),
        (b'{"event":"%s"}' % (b"x" * 2000), NOT_A_MESSAGE),
        (b"[" * 200_000, "more than 16 levels deep"),
        (b'{"ok":true,"value":{"a":' + b"[" * 40 + b"]" * 40 + b"}}", "more than 16 levels deep"),
        (b'{"ok":false,"kind":"x","message":' + b"[" * 900 + b"]" * 900 + b"}", "more than 16 levels deep"),
        (b"[" * (MOST_BRACKETS + 1), f"more than {MOST_BRACKETS} lists and objects"),
        (b'{"ok":true,"value":{"a":' + b"9" * 5000 + b"}}", "a number of thousands of digits"),
        (b'{"ok":true,"value":{"a":NaN}}', "NaN where a number should be"),
        (b'{"ok":true,"value":{"a":-Infinity}}', "-Infinity where a number should be"),
        (rb'{"ok":true,"value":{"info":{"cpu":"\u001b]0;PWN\u0007"}}}', "control characters in 'info.cpu'"),
        (rb'{"ok":true,"value":{"a":["\u202e"]}}', "control characters in 'a.0'"),
        (rb'{"ok":true,"value":{"\u009b":1}}', "control characters in 'a key'"),
        (ok({"info": {"cpu": "x" * 10_001}}), "a text of 10001 characters in 'info.cpu'"),
        (ok({"clock_khz": {str(cpu): 1 for cpu in range(5001)}}), "5001 fields in 'clock_khz'"),
        (rb'{"event":"\u001b[2J"}', "control characters in 'event'"),
    ],
)
def test_what_is_no_message(line: bytes, why: str) -> None:
    with pytest.raises(SpoiltError) as caught:
        parse(line)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([ok({}), ok({})], "answered twice"),
        ([ok({}), b'{"event": "more"}'], "went on after its answer"),
        ([b'{"event": "x"}'] * (MOST_EVENTS + 1), "did not come to an end"),
        ([b'{"event": "turn", "samples_ns": [1]}'], "a turn that nobody asked for"),
    ],
)
def test_what_is_no_conversation(lines: list[bytes], why: str) -> None:
    with pytest.raises(SpoiltError, match=why):
        hear(*lines)


def change(command: str, **fields: object) -> tuple[str, dict[str, Any]]:
    return command, {**ANSWERS[command], **fields}


def without(command: str, field: str) -> tuple[str, dict[str, Any]]:
    return command, {key: value for key, value in ANSWERS[command].items() if key != field}


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (("bench", {}), "info: it is missing (and"),
        (("bench", dict.fromkeys(BENCH)), "info: input should be an object, got None"),
        (change("bench", samples_ns=[1000] * 3), "3 samples of 3e-06 s together, where 50 were asked for"),
        (change("bench", samples_ns=[]), "samples_ns: "),
        (change("bench", samples_ns=[-5] * 60), "samples_ns.0: input should be greater than 0, got -5"),
        (change("bench", samples_ns=[1.5] * 60), "samples_ns.0: input should be a valid integer"),
        (change("bench", samples_ns=["a"] * 60), "samples_ns.0: input should be a valid integer, got 'a'"),
        (change("bench", samples_ns=[0] * 60), "samples_ns.0: input should be greater than 0, got 0"),
        (change("bench", samples_ns=[True] * 60), "samples_ns.0: input should be a valid integer, got True"),
        (change("bench", samples_ns=[10**400] * 60), "samples_ns.0"),
        (change("bench", samples_ns=[1000] * 1_000_001), "samples_ns: "),
        (change("bench", info=[1, 2]), "info: input should be an object, got [1, 2]"),
        (change("bench", info={**INFO, "cores": 0}), "info.cores: "),
        (change("bench", info={**INFO, "memory_bytes": -1}), "info.memory_bytes: "),
        (change("bench", state_before={**STATE, "unix_time": 1e300}), "state_before.unix_time: "),
        (change("bench", state_before={**STATE, "load_1m": -1.0}), "state_before.load_1m: "),
        (change("bench", state_after={**STATE, "clock_khz": {"cpu0": -1}}), "state_after.clock_khz.cpu0: "),
        (change("bench", settings={"a": {"b": 1}}), "settings.a"),
        (change("bench", surprise={"a": [1]}), "surprise: no such field is known"),
        (change("bench", delegation={**TAKEN, "gpu_ops": 0}), "delegation.gpu_ops: "),
        (change("bench", half_width=1e999), "half_width: "),
        (without("bench", "samples_ns"), "samples_ns: it is missing"),
        (change("memory", peak_rss_bytes=-1), "peak_rss_bytes: input should be greater than or equal to 0, got -1"),
        (change("per_op", per_op=[{"name": 1}]), "per_op.0.name: input should be a valid string, got 1"),
        (change("sustained", points=None), "points: input should be a valid array, got None"),
        (change("sustained", points=[]), "points: "),
        (change("sustained", points=[{"a": 1}]), "points.0.t_s: it is missing"),
        (change("state", throttled=3), "throttled: "),
        (change("roofline", bandwidth=[]), "bandwidth: "),
        (change("roofline", fp32_macs_per_s=0.0), "fp32_macs_per_s: "),
    ],
)
def test_what_is_no_answer(spoilt: tuple[str, dict[str, Any]], why: str) -> None:
    command, value = spoilt
    with pytest.raises(SpoiltError) as caught:
        checked({"command": command, **REQUEST}, value)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 500


def test_fewer_samples_are_believed_when_the_time_was_over() -> None:
    checked({"command": "bench", **REQUEST}, {**BENCH, "samples_ns": [10_000_000_000] * 2})
    checked({"command": "bench", **REQUEST}, {**BENCH, "samples_ns": [1000] * 2, "spent_s": 21.0})
    checked({"command": "turns", **REQUEST}, {**BENCH, "samples_ns": [1000] * 2})


@pytest.mark.parametrize("affinity", [None, [], [0], [1, 2]])
def test_other_cores_than_those_asked_for(affinity: list[int] | None) -> None:
    with pytest.raises(SpoiltError, match=r"kept on the cores \[0, 1\], and answered that it ran on"):
        checked({"command": "bench", "cores": [0, 1], **REQUEST}, {**BENCH, "affinity": affinity})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    command=st.sampled_from(sorted(ANSWERS)),
    path=st.lists(st.integers(0, 20), min_size=1, max_size=3),
    put=JSON,
    cut=st.integers(0, 200),
)
def test_any_spoilt_answer_is_an_answer_or_named(command: str, path: list[int], put: object, cut: int) -> None:
    value = copy.deepcopy(ANSWERS[command])
    spoil(value, path, put)
    line = ok(value)
    for heard in (line, line[:cut], line[cut:]):
        named(heard, lambda message: checked({"command": command, **REQUEST}, message.value))


def spoil(holder: Any, path: list[int], put: object) -> None:
    """Replace what a path of positions leads to."""
    for step in path:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            return
        key = keys[step % len(keys)]
        if step is path[-1] or not isinstance(holder[key], dict | list):
            holder[key] = put
            return
        holder = holder[key]


def named(line: bytes, check: Callable[[Value], None]) -> None:
    """Hear a line; nothing but a :class:`SpoiltError` may come of it."""
    with suppress(SpoiltError):
        message = parse(line)
        if isinstance(message, Value):
            check(message)
