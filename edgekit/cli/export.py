"""``edgekit export``."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import UsageError
from . import export_options as opt
from .options import JsonOption
from .show.progress import ProgressLines

if TYPE_CHECKING:
    from ..artifacts.prepare import ExportOptions
    from ..artifacts.tasks import Outcome
    from ..types import ExportProfile


def export_command(
    models: opt.Models = None,
    format_: opt.Format = None,
    int8: opt.Int8 = False,
    fp16: opt.Fp16 = False,
    dynamic_range: opt.DynamicRange = False,
    weights: opt.Weights = "random",
    num_classes: opt.NumClasses = None,
    calibration: opt.Calibration = None,
    parity_data: opt.ParityData = None,
    profile: opt.Profile = None,
    io: opt.Io = None,
    ranges: opt.Ranges = None,
    bake_preprocess: opt.BakePreprocess = False,
    target: opt.Target = None,
    opset: opt.Opset = None,
    ir_version: opt.IrVersion = None,
    form: opt.Form = None,
    tune: opt.Tune = False,
    require_speedup: opt.RequireSpeedup = False,
    min_speedup: opt.MinSpeedup = None,
    layer_errors: opt.LayerErrors = False,
    selective_float: opt.SelectiveFloat = False,
    min_sqnr: opt.MinSqnr = None,
    device: opt.Device = None,
    threads: opt.Threads = None,
    cores: opt.Cores = None,
    out: opt.Out = Path("artifacts"),
    timeout: opt.Timeout = 900.0,
    every: opt.All = False,
    jobs: opt.Jobs = 1,
    scheduler: opt.Scheduler = None,
    no_cache: opt.NoCache = False,
    as_json: JsonOption = False,
) -> None:
    """Convert networks to verified artifacts.

    Each artifact is compared with the float network on real images and audited; one that fails is not kept.

    Example: edgekit export mobilenet_v3 --format tflite --int8
    """
    from ..artifacts.prepare import ExportOptions
    from ..base.folders import exports_folder
    from ..catalog import default_cards, find_card, find_profile
    from ..forms.profiles import choose_matrix, choose_profiles
    from .export_run import report, run

    names = models or ([card.id for card in default_cards()] if every else [])
    if not names:
        raise UsageError("no model given", "name one (edgekit models list), or give --all")
    if scheduler is not None and jobs > 1:
        raise UsageError("--jobs and --scheduler contradict each other", "the cluster's workers decide how many run")
    choose = choose_matrix if every else choose_profiles
    profiles = choose(
        format_, int8, fp16, profile or (), io, bake_preprocess, target, form, ranges, dynamic_range, opset, ir_version
    )
    sources = {find_card(name).id: name for name in names if name.endswith(".toml")}
    sources |= {find_profile(name).name: name for name in profile or () if name.endswith(".toml")}
    speedup = min_speedup if min_speedup is not None else 1.0 if require_speedup else None
    measured = tune or speedup is not None
    cache = None if no_cache or measured else exports_folder()
    options = ExportOptions(
        weights, num_classes, calibration, parity_data, out, timeout, cache, sources,
        layer_errors=layer_errors, selective_float=selective_float or min_sqnr is not None, min_sqnr_db=min_sqnr,
    )  # fmt: skip
    check_int8_options(profiles, options, measured)
    if measured:
        if scheduler is not None or jobs > 1:
            raise UsageError("what is measured is exported here, one by one", "leave --jobs and --scheduler out")
        outcomes, seconds = measure(names, profiles, options, tune, speedup, device, threads, cores)
    else:
        refuse_place(device, threads, cores)
        outcomes, seconds = run(names, profiles, options, jobs, scheduler, live=every)
    raise typer.Exit(report(outcomes, seconds, cache, table=every, as_json=as_json))


def measure(
    names: Sequence[str],
    profiles: Sequence[ExportProfile],
    options: ExportOptions,
    tune: bool,
    speedup: float | None,
    device: str | None,
    threads: int | None,
    cores: str | None,
) -> tuple[list[Outcome], float]:
    """Export what a measurement decides; the outcomes and the seconds that it took."""
    from ..tuning.choose import Wishes, check_wishes, export_measured
    from ..tuning.place import find_place

    start = time.monotonic()
    progress, wishes = ProgressLines(), Wishes(tune, speedup)
    check_wishes(names, profiles, wishes)
    place = find_place(device or "local", 1 if threads is None else threads, progress, cores=cores)
    outcomes = export_measured(names, profiles, options, place, wishes, progress)
    return outcomes, time.monotonic() - start


def check_int8_options(profiles: Sequence[ExportProfile], options: ExportOptions, measured: bool) -> None:
    """Make sure that what looks into int8 artifacts has one to look into, and that they are made in one way only."""
    if options.min_sqnr_db is not None and not math.isfinite(options.min_sqnr_db):
        raise UsageError(f"--min-sqnr must be a number of dB, got {options.min_sqnr_db}", "20 is a common wish")
    given = [
        name
        for name, on in (
            ("--layer-errors", options.layer_errors),
            ("--selective-float" if options.min_sqnr_db is None else "--min-sqnr", options.selective_float),
        )
        if on
    ]
    if given and all(profile.precision != "int8" for profile in profiles):
        raise UsageError(f"{' and '.join(given)} is about int8 artifacts, and none is to be made", "add --int8")
    if given and measured:
        raise UsageError(
            f"{' and '.join(given)} does not go with --tune or --require-speedup",
            f"export in the form that was chosen: --form NAME {given[0]}",
        )


def refuse_place(device: str | None, threads: int | None, cores: str | None) -> None:
    """Say that ``--device``, ``--threads`` and ``--cores`` mean nothing to an export that measures nothing."""
    wishes = (("--device", device), ("--threads", threads), ("--cores", cores))
    given = [option for option, value in wishes if value is not None]
    if given:
        raise UsageError(
            f"{' and '.join(given)} says where to measure, and nothing is to be measured",
            "add --tune or --require-speedup; or export, then edgekit profile --device",
        )
