"""From ``--format``, ``--int8``, ``--profile`` and friends to export profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from ..catalog import find_profile, profile_for
from ..catalog import profiles as known_profiles
from ..errors import UsageError, did_you_mean
from ..types import ExportProfile, Overrides, Precision

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
    """The profiles, those of ONNX with the opset and IR version of the command line.

    Raises:
        UsageError: there is no ONNX profile, or no such version is written.
    """
    asked = {"opset": opset, "ir_version": ir_version}
    given = {key: value for key, value in asked.items() if value is not None}
    if given and all(profile.format != "onnx" for profile in profiles):
        options = " and ".join(f"--{key.replace('_', '-')}" for key in given)
        raise UsageError(f"{options} is about ONNX files, and none is to be made", "add --format onnx")
    return [derived(profile, given) if profile.format == "onnx" else profile for profile in profiles]


def override(
    profile: ExportProfile,
    io: str | None = None,
    bake_preprocess: bool = False,
    target: str | None = None,
    ranges: str | None = None,
) -> ExportProfile:
    """The profile with what the command line changes.

    Raises:
        UsageError: as :func:`derived`, or ``ranges`` for a profile that is not int8.
    """
    if ranges is not None and profile.quantization is None:
        raise UsageError(f"--ranges says how int8 is calibrated, and {profile.name} is not int8", "add --int8")
    if target is not None:
        profile = ExportProfile.model_validate({**profile.model_dump(), "target": target})
    return derived(profile, {"io": io, "ranges": ranges, "bake_preprocess": bake_preprocess or None})


def derived(profile: ExportProfile, changes: Mapping[str, object]) -> ExportProfile:
    """The profile with ``changes``, fields of :class:`~edgekit.types.Overrides`; itself when it has them already.

    Raises:
        UsageError: they do not go together, or the catalog has another profile of the name that they give.
    """
    was = {**profile.model_dump(), "ranges": profile.quantization and profile.quantization.ranges}
    given = {key: value for key, value in changes.items() if value is not None and value != was[key]}
    if not given:
        return profile
    fields = {key: value for key, value in given.items() if key != "ranges"}
    if "ranges" in given:
        fields["quantization"] = {**was["quantization"], "ranges": given["ranges"]}
    try:
        overrides = Overrides.model_validate({**profile.overrides.model_dump(), **given})
        name = profile.base + overrides.suffix
        own = {"name": name, "base_profile": profile.base, "overrides": overrides}
        new = ExportProfile.model_validate({**profile.model_dump(), **fields, **own})
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"these options do not go together: {message}", f"profile: {profile.name}") from error
    if name in known_profiles():
        asked = " ".join(["--profile", profile.base, *overrides.words])
        raise UsageError(
            f"{asked} would write into the folder of another profile, {name!r}",
            f"take that one, --profile {name}, or give it another name",
        )
    return new
