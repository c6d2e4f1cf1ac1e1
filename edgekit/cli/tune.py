"""``edgekit tune``, and exports that depend on a measurement."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from .shared import export_options as opt
from .shared import input_options
from .shared.complete import device_names
from .shared.int8_options import check_int8_options
from .shared.limits import MOST_THREADS
from .shared.options import ForceOption, JsonOption
from .show.progress import ProgressLines

if TYPE_CHECKING:
    from ..artifacts.prepare import ExportOptions
    from ..artifacts.tasks import Outcome
    from ..base.progress import Progress
    from ..tuning.choose import Wishes
    from ..tuning.place import Place
    from ..types import ExportProfile


@dataclass(frozen=True)
class Measuring:
    """What a measurement is to decide, and where it takes place.

    Attributes:
        forms: choose the fastest form.
        speedup: int8 must be more than this many times as fast as float32; None asks nothing.
        device: where to measure; None: this machine.
        threads: to measure with; None: 1.
        cores: the cores that every launch is pinned to; None for any core.
        force: even on a quarantined device.
    """

    forms: bool
    speedup: float | None
    device: str | None
    threads: int | None
    cores: str | None
    force: bool = False

    @property
    def wanted(self) -> bool:
        """True when there is something to measure."""
        return self.forms or self.speedup is not None

    def wishes(self, profiles: Sequence[ExportProfile]) -> Wishes:
        """What is to be decided, once it is sure that a device can.

        Raises:
            UsageError: a speed-up that cannot be asked for.
        """
        from ..tuning.choose import Wishes, check_wishes

        found = Wishes(self.forms, self.speedup)
        check_wishes(profiles, found)
        return found

    def place(self, progress: Progress) -> Place:
        """The device, looked at.

        Raises:
            UsageError, ToolError: as :func:`~edgekit.tuning.place.find_place`.
        """
        from ..tuning.place import find_place

        threads = 1 if self.threads is None else self.threads
        return find_place(self.device or "local", threads, progress, cores=self.cores, force=self.force)


def bound(require_speedup: bool, min_speedup: float | None) -> float | None:
    """The speed-up that int8 has to exceed; None where none is asked for."""
    return min_speedup if min_speedup is not None else 1.0 if require_speedup else None


def export_measured(
    names: Sequence[str], profiles: Sequence[ExportProfile], options: ExportOptions, measuring: Measuring
) -> tuple[list[Outcome], float]:
    """Measure, then export the choice; the outcomes and the seconds that it took."""
    from ..catalog import find_card
    from ..tuning.choose import export_measured

    start, progress = time.monotonic(), ProgressLines()
    for name in names:
        find_card(name)
    wishes, place = measuring.wishes(profiles), measuring.place(progress)
    outcomes = export_measured(names, profiles, options, place, wishes, progress)
    return outcomes, time.monotonic() - start


def tune_command(
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
    bake_preprocess: opt.BakePreprocess = False,
    device: Annotated[
        str, typer.Option("--device", "-d", help="Device to measure on.", autocompletion=device_names)
    ] = "local",
    threads: Annotated[int, typer.Option("--threads", min=1, max=MOST_THREADS, help="Number of threads.")] = 1,
    cores: Annotated[
        str | None, typer.Option(help="Pin the process to these cores: big, little, or numbers such as 4,5.")
    ] = None,
    force: ForceOption = False,
    require_speedup: opt.RequireSpeedup = False,
    min_speedup: opt.MinSpeedup = None,
    min_sqnr: opt.MinSqnr = None,
    strict_int8: opt.StrictInt8 = False,
    keep_form: Annotated[
        bool,
        typer.Option("--keep-form", help="Keep the form that export would take; only measure int8 against float32."),
    ] = False,
    out: opt.Out = opt.ARTIFACTS,
    timeout: opt.Timeout = opt.TIMEOUT_S,
    as_json: JsonOption = False,
) -> None:
    """Measure every form of a network on a device and keep the fastest.

    A form is one way of writing the same network for a runtime. edgekit exports and verifies the forms, then measures
    them in fresh processes, in random order, round after round. Later exports for CPUs of the device's class use the
    chosen form. For a network of your own, name its code, as for edgekit export.

    Example: edgekit tune shufflenet --format onnx --int8 --device rpi4
    Example: edgekit tune net.py --input 1x3x160x160 --format tflite --int8
    """
    from ..artifacts.prepare import ExportOptions
    from ..forms.profiles import choose_profiles
    from ..types import CheckpointReading
    from .export_own import export_code, wants_own
    from .shared.export_run import report, sources_of
    from .shared.hub import weights_of

    if not models:
        raise UsageError("no model given", "name one (edgekit models list)")
    speedup = bound(require_speedup, min_speedup)
    if keep_form and speedup is None:
        raise UsageError(
            "--keep-form leaves nothing to measure",
            "add --require-speedup or --min-speedup; or leave --keep-form out, to choose a form",
        )
    profiles = choose_profiles(
        format_, int8=int8, fp16=fp16, dynamic_range=dynamic_range, profiles=profile or (), io=io,
        bake_preprocess=bake_preprocess, batch=input_options.batch_size(batch),
    )  # fmt: skip
    weights = weights_of(context, models, weights)
    measuring = Measuring(not keep_form, speedup, device, threads, cores, force)
    input_wishes = input_options.wishes(mean, std, resize, crop, interpolation, channels, input_size)
    if wants_own(models):
        inputs = input_options.sized_inputs(input_)
        code = export_code(
            context, models, profiles, inputs, input_wishes, weights, calibration, out, timeout, min_sqnr, measuring,
            strict_int8=strict_int8, as_json=as_json,
        )  # fmt: skip
        raise typer.Exit(code)
    input_options.refuse_input(input_)
    options = ExportOptions(
        weights, num_classes, calibration, parity_data, out, timeout, None, sources_of(models, profile or ()),
        selective_float=min_sqnr is not None, min_sqnr_db=min_sqnr, strict_int8=strict_int8,
        reading=CheckpointReading(ema=ema, tf_padding=tf_padding),
        input=input_wishes,
    )  # fmt: skip
    check_int8_options(profiles, options, measured=True)
    outcomes, seconds = export_measured(models, profiles, options, measuring)
    raise typer.Exit(report(outcomes, seconds, None, table=False, as_json=as_json))
