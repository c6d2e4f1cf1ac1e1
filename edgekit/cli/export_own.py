"""``edgekit export`` and ``edgekit tune`` of a user's own code: which options they have, and the calls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..artifacts.own.network import OwnOptions
from ..artifacts.own.requests import Sized
from ..errors import UsageError
from ..forms.resolve import AS_WRITTEN, BEST_KNOWN, DEFAULT
from ..types import ExportProfile
from ..types.commands import is_own
from ..zoo.preprocessing import Wishes
from .shared.export_run import report
from .show.progress import ProgressLines

if TYPE_CHECKING:
    import typer

    from .tune import Measuring

TAKEN = {
    *("models", "format_", "int8", "fp16", "dynamic_range", "weights", "input_", "mean", "std", "resize"),
    *("interpolation", "channels", "calibration", "profile", "target", "opset", "ir_version", "out", "timeout"),
    *("no_cache", "as_json", "min_sqnr", "strict_int8", "form", "tune", "device", "threads", "cores", "force"),
    *("require_speedup", "min_speedup", "keep_form"),
}
"""Names of the parameters that apply to a network of a user's own code."""


def wants_own(names: Sequence[str]) -> bool:
    """True when the command line names code.

    Raises:
        UsageError: it names models of the zoo too, or a file that no converter reads.
    """
    finished = next((name for name in names if name.lower().endswith((".tflite", ".xml"))), None)
    if finished is not None:
        raise UsageError(
            f"{finished} is finished: edgekit converts PyTorch code and ONNX files",
            f"look into it, measure or verify it as it is: edgekit inspect {finished}",
        )
    own = [name for name in names if is_own(name)]
    if own and len(own) < len(names):
        raise UsageError(f"{own[0]} is code, and {next(n for n in names if n not in own)} a model", "export one by one")
    return bool(own)


def export_code(
    context: typer.Context,
    names: Sequence[str],
    profiles: Sequence[ExportProfile],
    inputs: tuple[Sized, ...],
    wishes: Wishes,
    weights: str,
    calibration: str | None,
    out: Path,
    timeout: float,
    min_sqnr: float | None,
    measuring: Measuring,
    *,
    strict_int8: bool,
    as_json: bool,
) -> int:
    """Export networks that code builds, measured where that is asked for, and show the outcomes; the exit code.

    Raises:
        UsageError: an option does not apply here, or ``--input`` was given for more than one network.
    """
    from ..verbs.export_own import check_source, export_own

    refuse_others(context)
    if len(names) > 1 and inputs:
        raise UsageError("--input is about one network", "export one by one")
    if (min_sqnr is not None or strict_int8) and all(profile.precision != "int8" for profile in profiles):
        raise UsageError(
            "--min-sqnr and --strict-int8 are about int8 artifacts, and this export makes none", "add --int8"
        )
    own = (BEST_KNOWN, DEFAULT, AS_WRITTEN)
    formed = next((profile.form for profile in profiles if profile.form not in own), None)
    if measuring.forms and formed is not None:
        raise UsageError(f"--form {formed} names a form, and --tune measures all", "leave one of them out")
    wanted = measuring.wishes(profiles) if measuring.wanted else None
    for name in names:
        check_source(name)
    start = time.monotonic()
    options = OwnOptions(
        weights=None if weights == "random" else Path(weights),
        inputs=inputs,
        calibration=calibration,
        preprocessing=wishes.given(),
        out=out,
        timeout_s=timeout,
        min_sqnr_db=min_sqnr,
        strict_int8=strict_int8,
    )
    words = own_words(inputs, wishes, weights, calibration)
    words += ["--min-sqnr", f"{min_sqnr:g}"] if min_sqnr is not None else []
    words += ["--strict-int8"] if strict_int8 else []
    progress = ProgressLines()
    make = partial(export_own, progress=progress)
    if wanted is not None:
        from ..verbs.tune_own import tune_own

        make = partial(tune_own, place=measuring.place(progress), wishes=wanted, progress=progress)
    outcomes = [outcome for name in names for outcome in make(name, profiles, options, [name, *words])]
    return report(outcomes, time.monotonic() - start, None, table=False, as_json=as_json)


def refuse_others(context: typer.Context) -> None:
    """Make sure that every option given applies to a network of a user's own code.

    Raises:
        UsageError: one does not.
    """
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE" and name not in TAKEN:
            raise UsageError(f"{parameter.opts[0]} is for networks of the zoo, not for your own code", "leave it out")


def own_words(inputs: tuple[Sized, ...], wishes: Wishes, weights: str, calibration: str | None) -> list[str]:
    """The options as typed, for the manifest."""
    words: list[str] = []
    for one in inputs:
        shape = "x".join(map(str, one.shape)) + ("" if one.dtype == "float32" else f":{one.dtype}")
        words += ["--input", f"{one.name}={shape}" if one.name else shape]
    if weights != "random":
        words += ["--weights", weights]
    if calibration is not None:
        words += ["--calibration", calibration]
    return [*words, *wishes.words()]
