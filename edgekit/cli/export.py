"""``edgekit export``."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import UsageError
from .shared import export_options as opt
from .shared import input_options
from .shared.int8_options import check_int8_options
from .shared.limits import LARGEST, MOST_THREADS
from .shared.options import JsonOption
from .tune import Measuring, bound, export_measured


def export_command(
    context: typer.Context,
    models: opt.Models = None,
    format_: opt.Format = None,
    int8: opt.Int8 = False,
    fp16: opt.Fp16 = False,
    dynamic_range: opt.DynamicRange = False,
    weights: opt.Weights = "random",
    num_classes: opt.NumClasses = None,
    ema: opt.Ema = False,
    tf_padding: opt.TfPadding = None,
    input_size: input_options.InputSize = None,
    mean: input_options.Mean = None,
    std: input_options.Std = None,
    resize: input_options.Resize = None,
    crop: input_options.Crop = None,
    interpolation: input_options.Interpolation = None,
    channels: input_options.Channels = None,
    batch: input_options.Batch = None,
    input_: input_options.Input = None,
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
    layer_errors: opt.LayerErrors = False,
    selective_float: opt.SelectiveFloat = False,
    min_sqnr: opt.MinSqnr = None,
    strict_int8: opt.StrictInt8 = False,
    out: opt.Out = opt.ARTIFACTS,
    timeout: opt.Timeout = opt.TIMEOUT_S,
    every: opt.All = False,
    jobs: opt.Jobs = 1,
    scheduler: opt.Scheduler = None,
    no_cache: opt.NoCache = False,
    as_json: JsonOption = False,
    # An alias of edgekit tune, which lists them.
    tune: Annotated[bool, typer.Option("--tune", hidden=True, help=opt.ALIAS)] = False,
    require_speedup: Annotated[bool, typer.Option("--require-speedup", hidden=True, help=opt.ALIAS)] = False,
    min_speedup: Annotated[
        float | None, typer.Option("--min-speedup", min=0, max=LARGEST, hidden=True, help=opt.ALIAS)
    ] = None,
    device: Annotated[str | None, typer.Option("--device", "-d", hidden=True, help=opt.ALIAS)] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, max=MOST_THREADS, hidden=True, help=opt.ALIAS)
    ] = None,
    cores: Annotated[str | None, typer.Option("--cores", hidden=True, help=opt.ALIAS)] = None,
) -> None:
    """Convert networks to verified artifacts.

    Each artifact is compared with the float network on real images, and its content is audited; an artifact that fails
    is not kept. For a network of your own, name its code: net.py, net.py:factory or package.module:factory. edgekit
    tune measures the forms of a network on a device and keeps the fastest.

    Example: edgekit export mobilenet_v3 --format tflite --int8
    Example: edgekit export net.py --input 1x3x160x160 --format all
    """
    from ..artifacts.prepare import ExportOptions
    from ..base.folders import exports_folder
    from ..catalog import default_cards
    from ..forms.profiles import choose_matrix, choose_profiles
    from ..types import CheckpointReading
    from .export_own import export_code, wants_own
    from .shared.export_run import report, run, sources_of
    from .shared.hub import weights_of

    names = models or ([card.id for card in default_cards()] if every else [])
    if not names:
        raise UsageError("no model given", "name one (edgekit models list), or give --all")
    if scheduler is not None and jobs > 1:
        raise UsageError("--jobs and --scheduler contradict each other", "the cluster's workers decide how many run")
    choose = choose_matrix if every else choose_profiles
    profiles = choose(
        format_, int8=int8, fp16=fp16, dynamic_range=dynamic_range, profiles=profile or (), io=io,
        bake_preprocess=bake_preprocess, target=target, form=form, ranges=ranges, opset=opset, ir_version=ir_version,
        batch=input_options.batch_size(batch),
    )  # fmt: skip
    wishes = input_options.wishes(mean, std, resize, crop, interpolation, channels, input_size)
    weights = weights_of(context, names, weights)
    measuring = Measuring(tune, bound(require_speedup, min_speedup), device, threads, cores)
    if wants_own(names):
        if not measuring.wanted:
            refuse_place(device, threads, cores)
        inputs = input_options.sized_inputs(input_)
        code = export_code(
            context, names, profiles, inputs, wishes, weights, calibration, out, timeout, min_sqnr, measuring,
            strict_int8=strict_int8, as_json=as_json,
        )  # fmt: skip
        raise typer.Exit(code)
    input_options.refuse_input(input_)
    sources = sources_of(names, profile or ())
    cache = None if no_cache or measuring.wanted else exports_folder()
    options = ExportOptions(
        weights, num_classes, calibration, parity_data, out, timeout, cache, sources,
        layer_errors=layer_errors, selective_float=selective_float or min_sqnr is not None, min_sqnr_db=min_sqnr,
        strict_int8=strict_int8,
        reading=CheckpointReading(ema=ema, tf_padding=tf_padding),
        input=wishes,
    )  # fmt: skip
    check_int8_options(profiles, options, measuring.wanted)
    if measuring.wanted:
        if scheduler is not None or jobs > 1:
            raise UsageError(
                "artifacts that are measured are exported here, one by one", "leave --jobs and --scheduler out"
            )
        outcomes, seconds = export_measured(names, profiles, options, measuring)
    else:
        refuse_place(device, threads, cores)
        outcomes, seconds = run(names, profiles, options, jobs, scheduler, live=every)
    raise typer.Exit(report(outcomes, seconds, cache, table=every, as_json=as_json))


def refuse_place(device: str | None, threads: int | None, cores: str | None) -> None:
    """Refuse ``--device``, ``--threads`` and ``--cores`` for an export that measures nothing."""
    wishes = (("--device", device), ("--threads", threads), ("--cores", cores))
    given = [option for option, value in wishes if value is not None]
    if given:
        raise UsageError(
            f"{' and '.join(given)} says where to measure, but this command measures nothing",
            "edgekit tune measures there and exports; or export, then edgekit profile --device",
        )
