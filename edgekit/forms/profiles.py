"""From ``--format``, ``--int8``, ``--profile`` and friends to export profiles."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from ..catalog import find_profile, profile_for
from ..errors import UsageError, did_you_mean
from ..types import ExportProfile, Precision

INT8_WEIGHTS: dict[str, Precision] = {"onnx": "dynamic", "tflite": "dynamic", "openvino": "weight-only"}
"""What ``--dynamic-range`` means: OpenVINO's CPU plugin has no dynamic ranges for convolutions."""

FORMATS = ("onnx", "tflite", "openvino")
IO_TYPES = ("float32", "int8", "uint8")
RANGES = ("auto", "min-max", "percentile", "mse")
TARGETS = ("host", "x86-avx2", "x86-vnni", "armv8.0", "armv8.2-dot", "mobile-gpu")


def choose_matrix(
    format_: str | None,
    int8: bool = False,
    fp16: bool = False,
    profiles: Sequence[str] = (),
    io: str | None = None,
    bake_preprocess: bool = False,
    target: str | None = None,
    form: str | None = None,
    ranges: str | None = None,
    dynamic_range: bool = False,
    opset: int | None = None,
    ir_version: int | None = None,
) -> list[ExportProfile]:
    """As :func:`choose_profiles`, but what is left open means all: every format, float32 and int8.

    Raises:
        UsageError: as there.
    """
    known_words(io, target, ranges)
    if profiles or int8 or fp16 or dynamic_range:
        format_ = format_ if profiles else format_ or "all"
        return choose_profiles(
            format_, int8, fp16, profiles, io, bake_preprocess, target, form, ranges, dynamic_range, opset, ir_version
        )
    precisions = (choose_profiles(format_ or "all", int8=int8_too, form=form) for int8_too in (False, True))
    pairs = zip(*precisions, strict=True)
    both = [profile for pair in pairs for profile in pair]
    of_int8 = {"io": io, "ranges": ranges}
    changed = [
        override(p, bake_preprocess=bake_preprocess, target=target, **(of_int8 if p.precision == "int8" else {}))
        for p in both
    ]
    return with_versions(changed, opset, ir_version)


def choose_profiles(
    format_: str | None,
    int8: bool = False,
    fp16: bool = False,
    profiles: Sequence[str] = (),
    io: str | None = None,
    bake_preprocess: bool = False,
    target: str | None = None,
    form: str | None = None,
    ranges: str | None = None,
    dynamic_range: bool = False,
    opset: int | None = None,
    ir_version: int | None = None,
) -> list[ExportProfile]:
    """The profiles that a command line asks for, in the order of ``FORMATS``.

    Raises:
        UsageError: two options that contradict each other, or an unknown word.
    """
    asked = [o for o, on in (("--int8", int8), ("--fp16", fp16), ("--dynamic-range", dynamic_range)) if on]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} contradict each other", "give one of them")
    if profiles and (format_ or asked):
        given = [*(["--format"] if format_ else []), *asked]
        raise UsageError(
            f"--profile and {' and '.join(given)} contradict each other", "a profile names its format and precision"
        )
    known_words(io, target, ranges)
    if profiles:
        chosen = [find_profile(name) for name in profiles]
    else:
        precision: Precision = "int8" if int8 else "fp16" if fp16 else "fp32"
        chosen = [
            profile_for(f, INT8_WEIGHTS[f] if dynamic_range else precision)  # type: ignore[arg-type]
            for f in formats(format_)
        ]
    chosen = [override(profile, io, bake_preprocess, target, ranges) for profile in chosen]
    chosen = with_versions(chosen, opset, ir_version)
    return chosen if form is None else [profile.model_copy(update={"form": form}) for profile in chosen]


def known_words(io: str | None, target: str | None, ranges: str | None) -> None:
    """Make sure that ``--io``, ``--target`` and ``--ranges`` are known.

    Raises:
        UsageError: one is not.
    """
    if io is not None and io not in IO_TYPES:
        raise UsageError(f"unknown --io {io!r}", did_you_mean(io, IO_TYPES))
    if target is not None and target not in TARGETS:
        raise UsageError(f"unknown --target {target!r}", did_you_mean(target, TARGETS))
    if ranges is not None and ranges not in RANGES:
        raise UsageError(f"unknown --ranges {ranges!r}", did_you_mean(ranges, RANGES))


def formats(format_: str | None) -> tuple[str, ...]:
    """The formats that ``--format`` means."""
    if format_ is None:
        raise UsageError("no format given", "add --format onnx, tflite, openvino or all")
    if format_ == "all":
        return FORMATS
    if format_ not in FORMATS:
        raise UsageError(f"unknown format {format_!r}", did_you_mean(format_, (*FORMATS, "all")))
    return (format_,)


def with_versions(profiles: list[ExportProfile], opset: int | None, ir_version: int | None) -> list[ExportProfile]:
    """The profiles, those of ONNX with the opset and IR version of the command line; their names tell them.

    Raises:
        UsageError: there is no ONNX profile, or no such version is written.
    """
    asked = {"opset": opset, "ir_version": ir_version}
    given = {key: value for key, value in asked.items() if value is not None}
    if given and all(profile.format != "onnx" for profile in profiles):
        options = " and ".join(f"--{key.replace('_', '-')}" for key in given)
        raise UsageError(f"{options} is about ONNX files, and none is to be made", "add --format onnx")
    return [versioned(profile, given) if profile.format == "onnx" else profile for profile in profiles]


def versioned(profile: ExportProfile, given: dict[str, int]) -> ExportProfile:
    """An ONNX profile with these versions in place of its own."""
    changes = {key: value for key, value in given.items() if value != getattr(profile, key)}
    name = "-".join([profile.name, *(f"{key.removesuffix('_version')}{value}" for key, value in changes.items())])
    return ExportProfile.model_validate({**profile.model_dump(), **changes, "name": name})


def override(
    profile: ExportProfile,
    io: str | None = None,
    bake_preprocess: bool = False,
    target: str | None = None,
    ranges: str | None = None,
) -> ExportProfile:
    """The profile with what the command line changes; its name tells the changes that make it another artifact."""
    changes: dict[str, object] = {}
    name = profile.name
    if io is not None and io != profile.io:
        changes["io"] = io
        name += f"-io-{io}"
    if ranges is not None:
        if profile.quantization is None:
            raise UsageError(f"--ranges says how int8 is calibrated, and {profile.name} is not int8", "add --int8")
        if ranges != profile.quantization.ranges:
            changes["quantization"] = {**profile.quantization.model_dump(), "ranges": ranges}
            name += f"-ranges-{ranges}"
    if bake_preprocess and not profile.bake_preprocess:
        changes["bake_preprocess"] = True
        name += "-baked"
    if target is not None:
        changes["target"] = target
    if not changes:
        return profile
    try:
        return ExportProfile.model_validate({**profile.model_dump(), **changes, "name": name})
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"these options do not go together: {message}", f"profile: {profile.name}") from error
