"""The result of a gate as JUnit XML, in the form that Jenkins, GitLab and GitHub's reporters read.

FAIL is a failure; INVALID and BROKEN_OFF are errors; INCONCLUSIVE and NOT_COMPARABLE are skipped, with the reason: they
are no verdict, and must not look like a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from ...base.clean import for_xml
from ...errors import EdgekitError, UsageError
from ...types import CountGate, GateResult
from .words import remarks

ELEMENT = {
    "FAIL": "failure",
    "INVALID": "error",
    "BROKEN_OFF": "error",
    "INCONCLUSIVE": "skipped",
    "NOT_COMPARABLE": "skipped",
}


def gate_junit(results: Sequence[GateResult] | Sequence[CountGate]) -> str:
    """One suite per device, one case per gate."""
    root = ET.Element("testsuites", name="edgekit gate")
    for device in dict.fromkeys(result.device.id for result in results):
        mine = [result for result in results if result.device.id == device]
        root.append(suite(device, mine))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def refused_junit(error: EdgekitError) -> str:
    """The same of a run that ended before its first gate: one case, with the error that ended it."""
    message = for_xml(str(error))
    root = ET.Element("testsuites", name="edgekit gate")
    counts = {"tests": "1", "failures": "0", "errors": "1", "skipped": "0", "time": "0.000"}
    now = datetime.now(UTC).isoformat(timespec="seconds").partition("+")[0]
    made = ET.SubElement(
        root, "testsuite", {"name": "edgekit gate", **counts, "timestamp": now, "hostname": "localhost"}
    )
    one = ET.SubElement(made, "testcase", name="the run", classname="edgekit.gate", time="0.000")
    kind = "usage" if isinstance(error, UsageError) else "BROKEN_OFF"
    ET.SubElement(one, "error", message=message, type=kind).text = for_xml(error.hint)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def suite(device: str, results: Sequence[GateResult | CountGate]) -> ET.Element:
    """The cases of one device."""

    def count(element: str) -> str:
        return str(sum(ELEMENT.get(result.status) == element for result in results))

    made = ET.Element(
        "testsuite",
        name=f"edgekit gate on {device}",
        tests=str(len(results)),
        failures=count("failure"),
        errors=count("error"),
        skipped=count("skipped"),
        time=f"{sum(result.seconds for result in results):.3f}",
        # Without a zone, as the schema has it; the times are UTC.
        timestamp=results[0].started_at.partition("+")[0],
        hostname=device,
    )
    for result in results:
        made.append(case(result))
    return made


def case(result: GateResult | CountGate) -> ET.Element:
    """One gate."""
    made = ET.Element(
        "testcase",
        name=f"{result.model} {result.profile} {result.runtime}-{result.accelerator} {result.placing}",
        classname=f"edgekit.gate.{result.device.id}",
        time=f"{result.seconds:.3f}",
    )
    lines = [for_xml(line) for line in remarks(result)]
    kind = ELEMENT.get(result.status)
    if kind is None:
        ET.SubElement(made, "system-out").text = "\n".join(lines)
    else:
        message = f"{result.status}: {lines[0]}"
        attributes = {"message": message} if kind == "skipped" else {"message": message, "type": result.status}
        ET.SubElement(made, kind, attributes).text = "\n".join(lines[1:])
    return made
