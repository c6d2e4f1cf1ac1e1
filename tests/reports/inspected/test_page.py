"""The page of a file: what is known, its operators, and their times."""

from __future__ import annotations

from edgekit.reports.inspected.page import inspect_page
from edgekit.types import OpTime

HOSTILE = "<script>alert(1)</script>"
FACTS = [("file", "net.onnx"), ("delegate", ""), ("parity", HOSTILE)]
ROWS = [("Conv", "int8", "int8", "12", ""), (HOSTILE, "float32", "", "1", "")]


def test_times_and_shares() -> None:
    times = [OpTime(name=HOSTILE, type="Conv", ns=3_000_000), OpTime(name="r", type="Relu", ns=1_000_000)]
    page = inspect_page("net", FACTS, ROWS, [*times, times[0]], "told by the runtime")
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "The operators take 7.00 ms together." in page
    assert "85.7%" in page  # both convolutions
    assert page.count("left:57.14%") == 1  # the third begins after 4 of 7 ms
    assert "delegated" not in page
    assert "delegate<" not in page
    assert "http" not in page


def test_without_times_the_reason_stands() -> None:
    page = inspect_page("net", FACTS, [("ADD", "int8", "int8", "3", "2")], [], "tflite-runtime cannot time operators")
    assert "tflite-runtime cannot time operators" in page
    assert "together" not in page
    assert "delegated" in page
