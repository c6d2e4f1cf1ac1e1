"""What is advised when an artifact is not near enough to its network."""

from __future__ import annotations

import pytest

from edgekit.artifacts.verify import remedy
from edgekit.catalog import profile_for, profiles


@pytest.mark.parametrize("name", sorted(profiles()))
def test_advice_fits_the_precision(name):
    profile = profiles()[name]
    said = remedy(profile)
    assert ("leave --strict-int8 out" in said) == (profile.precision == "int8")
    assert ("--form default" in said) == ("rewrites = []" in said) == (profile.precision == "fp32")
    assert ("leave --fp16 out" in said) == (profile.precision == "fp16")
    assert ("--calibration" in said) == (profile.precision not in ("fp32", "fp16"))
    assert "[parity]" in said


def test_a_form_that_was_taken_already_is_not_advised():
    profile = profile_for("onnx", "fp32").model_copy(update={"form": "default"})
    assert "--form" not in remedy(profile)
