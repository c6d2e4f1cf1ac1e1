from __future__ import annotations

import pytest

from edgekit.select.weights import weights_told
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


def test_what_the_rounds_do_not_prove_is_no_weight_and_said() -> None:
    unsure = probe("G1", 2, 1.55).model_copy(update={"says": "widths 1:2", "low": 0.35, "high": 6.9})
    sure = probe("G1", 6, 1.5).model_copy(update={"says": "widths 1:6", "low": 1.4, "high": 1.6})
    others = [one for name in ("G2", "G3", "G4") for one in (probe(name, 1, 1.0), probe(name, 2, 1.2))]
    made = Calibration(
        device=Device(id="rpi4", transport="ssh", address="rpi4"), format="tflite", runtime_version="1", threads=1,
        kind_of_cost="measured", rounds=5, measured_at="", edgekit_version="0",
        probes=(probe("G1", 1, 1.0), unsure, sure, *others),
    )  # fmt: skip
    assert [one.proven for one in made.of("G1")] == [True, False, True]
    assert made.factor("G1", 2) == pytest.approx(1.1)  # on the way to that of six
    assert made.model_copy(update={"probes": (probe("G1", 1, 1.0), unsure)}).factor("G1", 2) is None
    assert "widths 1:2 1.55x (not proven: 0.35 to 6.90), widths 1:6 1.50x;" in weights_told(made)[0]
