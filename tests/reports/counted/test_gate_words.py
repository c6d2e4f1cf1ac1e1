from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from edgekit.gate.counts import judge
from edgekit.reports.counted.gate_words import HEADINGS, headline, markdown, remarks, row
from edgekit.reports.gate.github import workflow_commands
from edgekit.reports.gate.junit import gate_junit
from edgekit.types import Counted, CountGate


@pytest.fixture
def results(make_counted: Callable[..., Counted]) -> list[CountGate]:
    """A PASS, a FAIL, and one that did not end."""
    before = make_counted()
    made = []
    for after in (before, make_counted(model="grown", instructions=1_200_000, simd=400_000)):
        judged = judge(before, after, 0.005)
        made.append(gate(after, status=judged.status, reason=judged.reason, noise=judged.noise, baseline=before,
                         candidate=after))  # fmt: skip
    return [*made, gate(before, status="BROKEN_OFF", reason="it crashed | <b>")]


def gate(one: Counted, **more: object) -> CountGate:
    fields = {"model": one.model, "profile": one.profile, "runtime": one.runtime, "threads": 1, "device": one.device,
              "tolerance": 0.005, "baseline_path": "base", "started_at": one.counted_at, "seconds": 2.0,
              "edgekit_version": "0"}  # fmt: skip
    return CountGate.model_validate({**fields, **more})


def test_a_row_has_a_cell_for_each_heading_and_no_milliseconds(results: list[CountGate]) -> None:
    passed, failed, broken = (dict(zip(HEADINGS, row(one), strict=True)) for one in results)
    assert passed["instructions"] == "+0.0000%"
    assert failed["instructions"] == "+20.0000%"
    assert broken["candidate M instr."] == "-"
    assert not any("ms" in heading for heading in HEADINGS)


def test_a_failure_names_what_grew_and_what_to_do(results: list[CountGate]) -> None:
    said = remarks(results[1])
    assert said[0].startswith("the candidate executes more: +20.0% instructions")
    assert "grew: other SIMD: 0.200 -> 0.400 M" in said
    assert said[-1].startswith("next: ")
    assert headline(results) == "3 counted gates: 1 PASS, 1 FAIL, 1 BROKEN_OFF"


def test_the_pages_say_the_same(results: list[CountGate]) -> None:
    page = markdown(results)
    assert "<b>" not in page
    assert "No latency was measured." in page
    root = ET.fromstring(gate_junit(results))
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases["grown tflite-int8 litert-cpu t1"] == ["failure"]
    lines = workflow_commands(results)
    assert [line.split(" ")[0] for line in lines] == ["::notice", "::error", "::error"]
