"""``edgekit export``."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from . import input_options
from .show.console import Progress

if TYPE_CHECKING:
    from ..artifacts.prepare import ExportOptions
    from ..artifacts.tasks import Outcome
    from ..types import ExportProfile


def export_command(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Model ids, aliases or cards (edgekit models list).", metavar="[MODEL]…"),
    ] = None,
    format_: Annotated[str | None, typer.Option("--format", "-f", help="onnx, tflite, openvino or all.")] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Static int8, calibrated on images.")] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="float16 weights.")] = False,
    dynamic_range: Annotated[
        bool,
        typer.Option("--dynamic-range", help="int8 weights, no calibration; OpenVINO: weight-only."),
    ] = False,
    weights: Annotated[
        str, typer.Option("--weights", "-w", help="A checkpoint file, pretrained or random.")
    ] = "random",
    num_classes: Annotated[
        int | None, typer.Option("--num-classes", min=1, help="Outputs of a fine-tuned head.")
    ] = None,
    input_size: input_options.InputSize = None,
    mean: input_options.Mean = None,
    std: input_options.Std = None,
    resize: input_options.Resize = None,
    crop: input_options.Crop = None,
    interpolation: input_options.Interpolation = None,
    channels: input_options.Channels = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            "--calibration", help="Folder of images, .npz, fashion-mnist or synthetic. [default: bundled photos]"
        ),
    ] = None,
    parity_data: Annotated[
        str | None, typer.Option("--parity-data", help="Images to verify on. [default: the calibration images]")
    ] = None,
    profile: Annotated[
        list[str] | None, typer.Option("--profile", help="Export profile: a name or a TOML file.")
    ] = None,
    io: Annotated[
        str | None, typer.Option("--io", help="Input and output type of int8: float32, int8 or uint8.")
    ] = None,
    ranges: Annotated[
        str | None,
        typer.Option("--ranges", help="Ranges of int8 activations: auto, min-max, percentile (99.99) or mse."),
    ] = None,
    bake_preprocess: Annotated[
        bool, typer.Option("--bake-preprocess", help="Mean and std inside the graph: the input is uint8 pixels.")
    ] = False,
    target: Annotated[
        str | None,
        typer.Option("--target", help="Who will run it: host, x86-avx2, x86-vnni, armv8.0, armv8.2-dot, mobile-gpu."),
    ] = None,
    opset: Annotated[
        int | None, typer.Option("--opset", min=15, max=18, help="Opset of ONNX files, for old runtimes. [default: 18]")
    ] = None,
    ir_version: Annotated[
        int | None, typer.Option("--ir-version", min=8, max=10, help="IR version of ONNX files. [default: 8]")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--form", help="How the network is written: best-known, default, or a name that --tune lists."),
    ] = None,
    tune: Annotated[bool, typer.Option("--tune", help="Measure every form and keep the fastest.")] = False,
    require_speedup: Annotated[
        bool, typer.Option("--require-speedup", help="Fail when int8 is measured to be no faster than float32.")
    ] = False,
    min_speedup: Annotated[
        float | None, typer.Option("--min-speedup", help="Fail when int8 is not more than so many times as fast.")
    ] = None,
    layer_errors: Annotated[
        bool, typer.Option("--layer-errors", help="Show how far each layer of int8 is from float.")
    ] = False,
    selective_float: Annotated[
        bool, typer.Option("--selective-float", help="Keep layers of int8 in float until parity is reached.")
    ] = False,
    min_sqnr: Annotated[
        float | None, typer.Option("--min-sqnr", help="The SQNR, dB, that --selective-float is to reach.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", "-d", help="Where --tune and --require-speedup measure. [default: local]")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads to measure with. [default: 1]")] = None,
    cores: Annotated[
        str | None,
        typer.Option(help="Measure on these cores: big, little, or numbers by commas (4,5)."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Artifacts go to OUT/<model>/<profile>/.")] = Path(
        "artifacts"
    ),
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Limit of each conversion, seconds.")] = 900.0,
    every: Annotated[
        bool,
        typer.Option("--all", help="What is left open means all: each family's default, each format, float and int8."),
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Models at the same time.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Run on the Dask cluster at this address (tcp://HOST:8786).")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Take nothing from the cache, add nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Convert networks to verified artifacts.

    Each artifact is compared with the float network on real images and audited; one that fails is not kept.

    Example: edgekit export mobilenet_v3 --format tflite --int8
    """
    from ..artifacts.cache import exports_folder
    from ..artifacts.prepare import ExportOptions
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
        input=input_options.wishes(mean, std, resize, crop, interpolation, channels, input_size),
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
    progress, wishes = Progress(), Wishes(tune, speedup)
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
