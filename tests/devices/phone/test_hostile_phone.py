"""A phone that prints nonsense: endless, vast, or made to keep a search busy."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.agent.battery.dumpsys import look_at_dumpsys
from edgekit.agent.reading import whole
from edgekit.devices.phone.battery import MARK, look_of, watching
from edgekit.devices.phone.benchmark_output import parse_output
from edgekit.devices.phone.performance import fixed_performance
from edgekit.devices.phone.phone import Phone
from edgekit.devices.phone.state import LOOK, free, info, sections, state
from edgekit.devices.phone.state import MARK as PART
from edgekit.errors import ToolError
from edgekit.types import DeviceInfo, DeviceState

MANY = 100_000


def look(text: str) -> tuple[DeviceInfo, DeviceState]:
    """All that is read in a look at the phone, as far as the report takes it."""
    parts = sections(text)
    free(parts)
    return DeviceInfo.from_plain(info(parts)), DeviceState.from_plain(state(parts))


def read_all(text: str) -> None:
    """Give ``text`` to everything that reads what a phone prints."""
    look(f"{PART}thermal\n{text}\n{PART}properties\n{text}\n{PART}meminfo\n{text}\n")
    look_at_dumpsys(text, 0)
    look_of(text, 0)
    try:
        parse_output(text)
    except ToolError as error:
        assert "printed no timings" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "text",
    [
        "\n" * MANY,
        " " * MANY,
        "a:\n" * (MANY // 3),
        "a: " * (MANY // 3),
        ("a" + " " * 1000 + ":\n") * (MANY // 1000),
        "status: 3\n" + "level" * (MANY // 5) + ": 1 2",
        "[a]: [" * (MANY // 6),
        "[" * MANY,
        "Current temperatures from HAL:\n" + "Temperature{mValue=1, mType=1, mName=" * (MANY // 40),
        "Current temperatures from HAL:\n" + "Temperature{mValue=" + "1" * MANY,
        "Current temperatures from HAL:\nx" + ":" * MANY + "x",
        "=" * MANY,
        "Operator-wise Profiling Info" + "=" * MANY,
        "Inference timings in us: Init: " + "1" * MANY,
        "count=" + "1" * MANY,
        "count=1" + " a=1" * (MANY // 4) + " !",
        "count=1 " + "a" * MANY,
        "GPU delegate " * (MANY // 13),
        "Replacing 1 out of 1 node(s) with delegate (" * (MANY // 44),
        "1" * MANY + " operations will run on the GPU",
        "Overall peak memory footprint (MB) via periodic monitoring: " * (MANY // 60),
        "/sys/class/power_supply/" * (MANY // 24),
    ],
    ids=lambda text: text[:20].strip() or repr(text[:2]),
)
def test_no_text_keeps_a_search_busy(text: str) -> None:
    begin = time.process_time()
    read_all(text)
    assert time.process_time() - begin < 1.0


WORDS = st.sampled_from([
    "Thermal Status: ", "Current temperatures from HAL:\n", "Temperature{mValue=", ", mType=3, mName=", "status: ",
    "3\n",
    "count=", " min=", " max=", "Inference timings in us: Init: ", "MemTotal: ", " kB\n", "[ro.soc.model]: [", "]\n",
    "1.2.3", "²", "9" * 30, "1e999", "-", "nan", f"{PART}time\n", f"{PART}load\n", f"{PART}clocks\n", f"{PART}cores\n",
    "cpu0 scaling_cur_freq ", f"{PART}disk\n", "a b c 9 ", "/sys/class/power_supply/b/type:Battery\n",
    "/sys/class/power_supply/b/current_now:",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS | st.text(max_size=3), max_size=30).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_all(text)
    look(text)


def test_numbers_are_whole_or_none() -> None:
    assert [whole(text) for text in ("12", "-3", "", "1.5", "²", "9" * 19, "9" * 5000)] == [12, -3, *[None] * 5]


def phone(tmp_path: Path, shell: str) -> Phone:
    """One whose shell runs ``shell``, whatever it is asked."""
    return Phone(["sh", "-c", shell, "sh"], str(tmp_path / "benchmark_model"))


ENDLESS = ["while :; do printf '%01000d' 0; done", "yes a", "yes x >&2"]


@pytest.mark.parametrize("shell", ENDLESS)
def test_a_shell_without_end(shell: str, tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(ToolError, match="a command on the phone printed more than the 4 MB that were waited for"):
        phone(tmp_path, shell).look()
    assert time.monotonic() - begin < 10


def test_a_shell_that_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="a command on the phone ran out of time after 1 s"):
        phone(tmp_path, "exec sleep 100").shell(LOOK, limit_s=1.0)


@pytest.mark.parametrize(
    ("shell", "why"),
    [
        (ENDLESS[0], "the phone printed a line of more than"),
        (ENDLESS[1], "the phone printed more than 10000 lines for one look"),
        (ENDLESS[2], "the phone printed more than 64 MB on stderr"),
    ],
)
def test_a_gauge_without_end(shell: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=why), watching(phone(tmp_path, shell), 20.0):
        time.sleep(1.0)


def test_looks_at_the_gauge_until_it_is_enough(tmp_path: Path) -> None:
    once = f"printf '{MARK}\\n/sys/class/power_supply/b/type:Battery\\n{MARK} end\\n'"
    with watching(phone(tmp_path, f"{once}; {once}; exec sleep 100"), 20.0) as watcher:
        deadline = time.monotonic() + 10
        while len(watcher.looks.get("b", [])) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    assert len(watcher.looks["b"]) == 2


@pytest.mark.parametrize("shell", [ENDLESS[0], ENDLESS[2]])
def test_a_performance_mode_without_end(shell: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="the phone printed"), fixed_performance(phone(tmp_path, shell).way):
        pass


def test_a_result_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="wrote no result file"):
        phone(tmp_path, "echo '!!'").result("/x")
