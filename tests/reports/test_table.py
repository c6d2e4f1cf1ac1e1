from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from edgekit.reports.table import ENERGY, measurement_table, megabytes, milliseconds, operator_table
from edgekit.types import Device, Energy, Measurement, OpTime, Pinning, Verdict

SAMPLE = Measurement.model_validate_json((Path(__file__).parent.parent / "data" / "report.json").read_text())
OPERATORS = (OpTime(name="a/conv", type="Conv", ns=3_000_000), OpTime(name="b/gemm", type="Gemm", ns=1_000_000))


def measured(**changes: Any) -> Measurement:
    return SAMPLE.model_copy(update=changes)


GOLDEN = Path(__file__).parent.parent / "golden" / "profile_table.txt"


def text_of(renderable: RenderableType, width: int = 160) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, force_terminal=False).print(renderable)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def test_the_table_is_the_golden_one() -> None:
    several = [
        measured(),
        measured(
            model="mobilenet_v3_large_1.0",
            io="int8",
            threads=4,
            samples_ns=tuple(range(900_000, 901_000, 20)),
            weights_kind="random",
            verdict=Verdict(name="noisy", reasons=("p90 is 1.40 times the median, above 1.25",)),
            per_op_note="not timed",
        ),
        measured(
            profile="openvino-fp32",
            format="openvino",
            precision="fp32",
            runtime="openvino",
            artifact_bytes=140_123_456,
            samples_ns=(123_456_789,) * 5,
            peak_rss_bytes=None,
            verdict=Verdict(name="throttled", reasons=("the device reports throttled",)),
        ),
    ]
    seen = text_of(measurement_table(several)) + text_of(operator_table(measured(per_op=OPERATORS)))
    if os.environ.get("EDGEKIT_REGENERATE"):
        GOLDEN.write_text(seen, encoding="utf-8")
    assert seen == GOLDEN.read_text(encoding="utf-8")


def test_energy_cores_and_rounds_are_shown_where_there_are_some() -> None:
    plain = measured()
    spent = (Energy(domain="package-0", spent_uj=len(plain.samples_ns) * 12_300, window_s=2.0),)
    more = measured(energy=spent, rounds=(1, len(plain.samples_ns) - 1), pinned=Pinning(asked="big", cpus=(4, 5)))
    seen = " ".join(text_of(measurement_table([plain, more]), 300).split())
    assert "package-0 12.3 mJ" in seen
    assert "1 on core 4, 5" in seen
    assert f"{len(plain.samples_ns)} in 2 rounds " in seen
    assert ENERGY in seen
    assert "energy" not in text_of(measurement_table([plain]))


def test_a_reason_of_several_is_said_once() -> None:
    busy = [
        measured(model=f"net_{n}", verdict=Verdict(name="noisy", reasons=(f"{n}.5 runnable tasks on 2 cores",)))
        for n in range(6)
    ]
    seen = text_of(measurement_table([*busy, measured()]), 300)
    assert seen.count("runnable tasks") == 1
    assert "noisy, 6 measurements: 0.5 to 5.5 runnable tasks on 2 cores (net_0 tflite-int8 on local, " in seen
    assert "net_3 tflite-int8 on local and 2 more)" in seen


def test_several_devices_are_told_apart() -> None:
    seen = text_of(measurement_table([measured(), measured(device=Device(id="rpi5", transport="ssh", address="pi"))]))
    assert "mobilenet_v2_1.0 on local" in seen
    assert "mobilenet_v2_1.0 on rpi5" in seen


@pytest.mark.parametrize("width", [80, 100])
def test_a_narrow_terminal_loses_nothing(width: int) -> None:
    seen = text_of(measurement_table([measured()]), width)
    assert "…" not in seen
    assert max(len(line) for line in seen.splitlines()) <= width


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01234, "0.0123"),
        (0.5, "0.500"),
        (1.0, "1.00"),
        (9.994, "9.99"),
        (17.05, "17.1"),
        (123.456, "123"),
        (0.0, "0.0000"),
    ],
)
def test_latencies_show_three_digits(value: float, text: str) -> None:
    assert milliseconds(value) == text


@pytest.mark.parametrize(
    ("count", "text"), [(5736, "0.0057 MB"), (4129120, "4.13 MB"), (14_000_000, "14.0 MB"), (140_123_456, "140 MB")]
)
def test_sizes(count: int, text: str) -> None:
    assert megabytes(count) == text
