from __future__ import annotations

import pytest

from edgekit.types import Device
from edgekit.types.calibrations import Calibration, ProbeCost


def probe(guideline: str, degree: float, ratio: float) -> ProbeCost:
    return ProbeCost.from_plain(
        {"guideline": guideline, "name": f"{guideline}_{degree}", "says": "", "degree": degree, "macs": 1, "ms": 1.0,
         "ratio": ratio, "low": ratio, "high": ratio}
    )  # fmt: skip


def test_a_factor_lies_between_the_degrees_that_were_tried() -> None:
    made = Calibration(
        device=Device(id="rpi4", transport="ssh", address="rpi4"), format="tflite", runtime_version="1", threads=1,
        kind_of_cost="measured", rounds=5, measured_at="", edgekit_version="0",
        probes=(probe("G1", 1, 1.0), probe("G1", 2, 1.1), probe("G1", 6, 1.5), probe("G3", 2, 1.2), probe("G3", 2, 1.6),
        ),
    )  # fmt: skip
    assert made.factor("G1", 1) == 1.0
    assert made.factor("G1", 2) == 1.1
    assert made.factor("G1", 4) == pytest.approx(1.3)
    assert made.factor("G1", 40) == 1.5
    assert made.factor("G3", 2) == 1.6  # the dearer of two ways
    assert made.factor("G2", 3) is None
    assert [one.degree for one in made.of("G1")] == [1, 2, 6]
