"""``edgekit export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError


def export_command(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Model ids, aliases or cards (edgekit models list).", metavar="[MODEL]…"),
    ] = None,
    format_: Annotated[str | None, typer.Option("--format", "-f", help="onnx, tflite, openvino or all.")] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Static int8, calibrated on images.")] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="float16 weights.")] = False,
    weights: Annotated[
        str, typer.Option("--weights", "-w", help="A checkpoint file, pretrained or random.")
    ] = "random",
    num_classes: Annotated[
        int | None, typer.Option("--num-classes", min=1, help="Outputs of a fine-tuned head.")
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option("--calibration", help="Folder of images, .npz, or synthetic. [default: bundled photos]"),
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
    bake_preprocess: Annotated[
        bool, typer.Option("--bake-preprocess", help="Mean and std inside the graph: the input is uint8 pixels.")
    ] = False,
    target: Annotated[
        str | None, typer.Option("--target", help="CPU class: host, x86-avx2, x86-vnni, armv8.0, armv8.2-dot.")
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
    from ..catalog import default_cards, find_card, find_profile
    from ..workflows.cache import exports_folder
    from ..workflows.prepare import ExportOptions
    from ..workflows.profiles import choose_matrix, choose_profiles
    from .export_run import report, run

    names = models or ([card.id for card in default_cards()] if every else [])
    if not names:
        raise UsageError("no model given", "name one (edgekit models list), or give --all")
    if scheduler is not None and jobs > 1:
        raise UsageError("--jobs and --scheduler contradict each other", "the cluster's workers decide how many run")
    choose = choose_matrix if every else choose_profiles
    profiles = choose(format_, int8, fp16, profile or (), io, bake_preprocess, target)
    sources = {find_card(name).id: name for name in names if name.endswith(".toml")}
    sources |= {find_profile(name).name: name for name in profile or () if name.endswith(".toml")}
    cache = None if no_cache else exports_folder()
    options = ExportOptions(weights, num_classes, calibration, parity_data, out, timeout, cache, sources)
    outcomes, seconds = run(names, profiles, options, jobs, scheduler, live=every)
    raise typer.Exit(report(outcomes, seconds, cache, table=every, as_json=as_json))
