from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from edgekit.base.clean import for_workflow
from edgekit.errors import ToolError, UsageError
from edgekit.reports.gate.github import workflow_commands
from edgekit.reports.gate.junit import gate_junit, refused_junit
from edgekit.reports.gate.markdown import MARKER, gate_markdown, refused_markdown
from edgekit.reports.gate.words import headline, remarks, row
from edgekit.types import Device, DeviceState, Difference, GateResult, GateRule, GateStatus, Guard, Look, OpChange, Pair
from edgekit.types.gates import EXIT_CODES, worst

DATA = Path(__file__).parent.parent.parent / "data"
GOLDEN = Path(__file__).parent.parent.parent / "golden" / "gate"
NASTY = "a | b <script>alert(1)</script> & `c`\n\x1b[31mred: 100 %, \x00"
GUARD = Guard(state=DeviceState(unix_time=1.0), sentinel_ns=1000)


def result(status: GateStatus = "PASS", reason: str = "because", device: str = "rpi4", **changes: object) -> GateResult:
    pairs = tuple(
        Pair(
            number=number,
            candidate_first=number % 2 == 0,
            baseline_ns=(2_000_000, 2_000_000),
            candidate_ns=(2_100_000, 2_100_000),
            dropped="hot" if number == 3 else "",
            before=GUARD,
            after=GUARD,
        )
        for number in range(1, 10)
    )
    look = Look(pairs=8, ratio=1.05, low=1.03, high=1.07, p_slower=0.0001)
    plain = GateResult(
        model="mobilenet_v2_1.0", profile="tflite-int8", runtime="litert", threads=4, baseline="old", candidate="new",
        device=Device(id=device, transport="ssh", address=device), baseline_sha256="a" * 64, candidate_sha256="b" * 64,
        status=status, reason=reason, rule=GateRule(), pairs=pairs, looks=(look,), seed=1, seconds=61.25,
        started_at="2030-01-02T03:04:05+00:00", edgekit_version="0",
    )  # fmt: skip
    return plain.model_copy(update=changes)


def of_every_kind() -> list[GateResult]:
    changes = (
        OpChange(type="CONV_2D", baseline_ns=10**6, candidate_ns=2 * 10**6, baseline_count=3, candidate_count=9),
        OpChange(type="SOFTMAX", baseline_ns=2000, candidate_ns=1000, baseline_count=1, candidate_count=1),
    )
    nothing: dict[str, object] = {"pairs": (), "looks": ()}
    return [
        result("PASS", "proven to be slower by less than 3.0%: +0.1% (-0.4% to +0.6%) after 8 pairs"),
        result(
            "FAIL",
            "slower by more than 1.0%: +5.0% (+3.0% to +7.0%) after 8 pairs",
            changes=changes,
            pinned_at="2029-12-31T00:00:00+00:00",
            pinned_p50_ms=1.98765,
        ),
        result("INCONCLUSIVE", "nothing is proven", device="n100"),
        result("INVALID", NASTY, device="n100"),
        result(
            "NOT_COMPARABLE",
            'runtime_version was "1" and is "2"',
            differences=(Difference(key="runtime_version", pinned='"1"', now='"2"'),),
            **nothing,
        ),
        result("BROKEN_OFF", "the device is gone", emulated=True, notes=("try: edgekit devices check",), **nothing),
    ]


def test_a_row_has_what_the_headings_say() -> None:
    assert row(result()) == (
        "PASS", "mobilenet_v2_1.0", "tflite-int8 t4", "rpi4", "2", "2.1", "+5.0%", "+3.0% to +7.0%", "8 (1 dropped)",
    )  # fmt: skip
    assert row(of_every_kind()[-1])[3:] == ("rpi4 (emulated)", "-", "-", "-", "-", "0")


def test_the_slower_operators_of_a_failure_and_nothing_else() -> None:
    said = remarks(of_every_kind()[1])
    assert "slower: CONV_2D (3 -> 9): 1.000 -> 2.000 ms, +1.000 ms" in said
    assert not [line for line in said if "SOFTMAX" in line]
    assert "when it was pinned (2029-12-31) the baseline took 1.99 ms: shown, not judged" in said


def test_what_was_slowed_on_purpose_is_said() -> None:
    assert "the candidate was slowed on purpose: {'busy_ns': 5}" in remarks(result("FAIL", handicap={"busy_ns": 5}))


def test_a_headline_counts() -> None:
    assert headline(of_every_kind()[:1]) == "1 gate: 1 PASS"
    assert headline([*of_every_kind(), result("FAIL")]).startswith("7 gates: 1 PASS, 2 FAIL, 1 INCONCLUSIVE")


def test_the_worst_counts() -> None:
    assert worst([]) == "PASS"
    assert worst(["PASS", "INCONCLUSIVE"]) == "INCONCLUSIVE"
    assert worst(["INCONCLUSIVE", "NOT_COMPARABLE", "INVALID", "PASS"]) == "INVALID"
    assert worst(["BROKEN_OFF", "FAIL"]) == "FAIL"
    assert [EXIT_CODES[one.status] for one in of_every_kind()] == [0, 1, 4, 3, 5, 3]


@pytest.mark.parametrize(("name", "write"), [("comment.md", gate_markdown), ("junit.xml", gate_junit)])
def test_the_pages_are_as_before(name: str, write) -> None:
    text, path = write(of_every_kind()), GOLDEN / name
    if os.environ.get("EDGEKIT_REGENERATE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_a_comment_is_whole_markdown() -> None:
    text = gate_markdown(of_every_kind())
    assert text.startswith(MARKER)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 6
    assert {line.replace("\\|", "").count("|") for line in table} == {10}
    assert "<script>" not in text


def test_junit_is_valid_and_counts() -> None:
    text = gate_junit(of_every_kind())
    xmlschema.XMLSchema(DATA / "junit.xsd").validate(text)
    suites = {suite.get("hostname"): suite for suite in ET.fromstring(text)}
    counts = {
        host: [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] for host, suite in suites.items()
    }
    assert counts == {"rpi4": ["4", "1", "1", "1"], "n100": ["2", "0", "1", "1"]}
    failure = suites["rpi4"].find("testcase/failure")
    assert failure is not None
    assert failure.get("message", "").startswith("FAIL: slower by more than")
    assert "CONV_2D" in (failure.text or "")
    passed = suites["rpi4"].find("testcase")
    assert passed is not None
    assert [child.tag for child in passed] == ["system-out"]


def test_annotations_survive_the_runners_parser() -> None:
    lines = workflow_commands(of_every_kind())
    assert [line.partition(" ")[0] for line in lines] == [
        "::notice", "::error", "::warning", "::error", "::warning", "::error",
    ]  # fmt: skip
    assert all("\n" not in line for line in lines)
    assert "title=edgekit gate%3A FAIL::" in lines[1]
    assert "100 %25" in lines[3]
    assert for_workflow("a:b,c%\r\n", True) == "a%3Ab%2Cc%25%0A"
    assert for_workflow("a:b,c") == "a:b,c"


def test_a_run_that_ended_before_its_first_gate() -> None:
    text = refused_junit(UsageError(NASTY, "look there"))
    xmlschema.XMLSchema(DATA / "junit.xsd").validate(text)
    (error,) = ET.fromstring(text).iter("error")
    assert (error.get("type"), error.text) == ("usage", "look there")
    assert "\\x1b[31mred" in str(error.get("message"))
    assert ET.fromstring(refused_junit(ToolError("gone"))).find("testsuite/testcase/error").get("type") == "BROKEN_OFF"  # type: ignore[union-attr]
    lines = refused_markdown(UsageError(NASTY, "look there")).splitlines()
    assert lines[:2] == [MARKER, "### edgekit gate: nothing was compared"]
    assert "<script>" not in lines[3]
    assert lines[-1] == "Try: look there"
