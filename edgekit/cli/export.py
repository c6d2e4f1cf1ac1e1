"""``edgekit export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import Progress, emit_json, say


def export_command(
    models: Annotated[list[str], typer.Argument(help="Model ids, aliases or cards (edgekit models list).")],
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
        str | None,
        typer.Option("--target", help="Who will run it: host, x86-avx2, x86-vnni, armv8.0, armv8.2-dot, mobile-gpu."),
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
    device: Annotated[
        str | None, typer.Option("--device", "-d", help="Where --tune and --require-speedup measure. [default: local]")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads to measure with. [default: 1]")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Artifacts go to OUT/<model>/<profile>/.")] = Path(
        "artifacts"
    ),
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Limit of each conversion, seconds.")] = 900.0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Convert networks to verified artifacts.

    Each artifact is compared with the float network on real images and audited; one that fails is not kept.

    Example: edgekit export mobilenet_v3 --format tflite --int8
    """
    from ..catalog import find_card, find_profile
    from ..workflows.export import export
    from ..workflows.prepare import ExportOptions
    from ..workflows.profiles import choose_profiles
    from .export_text import exit_code, outcome_lines, outcome_plain, provenance_lines

    profiles = choose_profiles(format_, int8, fp16, profile or (), io, bake_preprocess, target, form)
    sources = {find_card(name).id: name for name in models if name.endswith(".toml")}
    sources |= {find_profile(name).name: name for name in profile or () if name.endswith(".toml")}
    options = ExportOptions(weights, num_classes, calibration, parity_data, out, timeout, sources)
    speedup = min_speedup if min_speedup is not None else 1.0 if require_speedup else None
    progress = Progress()
    if tune or speedup is not None:
        from ..workflows.tune import Wishes, check_wishes, export_measured
        from ..workflows.tune_place import find_place

        wishes = Wishes(tune, speedup)
        check_wishes(models, profiles, wishes)
        place = find_place(device or "local", 1 if threads is None else threads, progress)
        outcomes = export_measured(models, profiles, options, place, wishes, progress)
    else:
        refuse_place(device, threads)
        outcomes = export(models, profiles, options, progress)
    for line in provenance_lines(outcomes):
        say(line)
    for line in outcome_lines(outcomes):
        say(line)
    if as_json:
        emit_json([outcome_plain(outcome) for outcome in outcomes])
    raise typer.Exit(exit_code(outcomes))


def refuse_place(device: str | None, threads: int | None) -> None:
    """Say that ``--device`` and ``--threads`` mean nothing to an export that measures nothing."""
    from ..errors import UsageError

    given = [option for option, value in (("--device", device), ("--threads", threads)) if value is not None]
    if given:
        raise UsageError(
            f"{' and '.join(given)} says where to measure, and nothing is to be measured",
            "add --tune or --require-speedup; or export, then edgekit profile --device",
        )
