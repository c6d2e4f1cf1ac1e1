"""What the options about int8 artifacts ask for together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import UsageError

if TYPE_CHECKING:
    from ...artifacts.prepare import ExportOptions
    from ...types import ExportProfile


def check_int8_options(profiles: Sequence[ExportProfile], options: ExportOptions, measured: bool) -> None:
    """Make sure that options about int8 artifacts meet an int8 artifact, and do not contradict each other."""
    if options.min_sqnr_db is not None and not math.isfinite(options.min_sqnr_db):
        raise UsageError(f"--min-sqnr must be a number of dB, got {options.min_sqnr_db}", "20 is a common wish")
    options_given = {
        "--layer-errors": options.layer_errors,
        "--selective-float": options.selective_float and options.min_sqnr_db is None,
        "--min-sqnr": options.min_sqnr_db is not None,
        "--strict-int8": options.strict_int8,
    }
    given = [name for name, on in options_given.items() if on]
    if options.strict_int8 and options.selective_float:
        raise UsageError(
            "--strict-int8 keeps nothing in float, which --selective-float and --min-sqnr do", "leave one of them out"
        )
    if given and all(profile.precision != "int8" for profile in profiles):
        raise UsageError(f"{' and '.join(given)} is about int8 artifacts, and this export makes none", "add --int8")
    if options.layer_errors and measured:
        raise UsageError(
            "--layer-errors does not go with --tune or --require-speedup",
            "export in the form that was chosen: --form NAME --layer-errors",
        )
