"""Options about int8 artifacts that have nothing to act on, or contradict each other."""

from __future__ import annotations

import pytest

from edgekit.artifacts.prepare import ExportOptions
from edgekit.catalog import profile_for
from edgekit.cli.shared.int8_options import check_int8_options
from edgekit.errors import UsageError


@pytest.mark.parametrize(
    ("precision", "options", "measured", "said"),
    [
        ("fp32", ExportOptions(layer_errors=True), False, "--layer-errors is about int8 artifacts"),
        ("fp32", ExportOptions(selective_float=True), False, "--selective-float is about int8 artifacts"),
        ("int8", ExportOptions(layer_errors=True), True, "--layer-errors does not go with --tune"),
        ("int8", ExportOptions(selective_float=True, strict_int8=True), False, "--strict-int8 keeps nothing in float"),
        (
            "int8",
            ExportOptions(selective_float=True, min_sqnr_db=float("nan")),
            False,
            "must be a number of dB",
        ),
    ],
)
def test_options_that_contradict_each_other(precision, options, measured, said):
    with pytest.raises(UsageError, match=said):
        check_int8_options([profile_for("onnx", precision)], options, measured)
    check_int8_options([profile_for("onnx", "fp32")], ExportOptions(), measured=True)
    check_int8_options([profile_for("onnx", "int8")], ExportOptions(strict_int8=True), measured=True)
