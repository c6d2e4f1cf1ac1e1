"""From ``--format``, ``--int8``, ``--profile`` and friends to export profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

from pydantic import ValidationError

from ..catalog import find_profile, profile_for
from ..catalog import profiles as known_profiles
from ..errors import UsageError, did_you_mean
from ..types import ExportProfile, Format, Overrides, Precision
from ..types.profiles import BatchSize

INT8_WEIGHTS: dict[Format, Precision] = {"onnx": "dynamic", "tflite": "dynamic", "openvino": "weight-only"}
"""What ``--dynamic-range`` means: OpenVINO's CPU plugin has no dynamic ranges for convolutions."""

FORMATS: tuple[Format, ...] = ("onnx", "tflite", "openvino")
IO_TYPES = ("float32", "int8", "uint8")
RANGES = ("auto", "min-max", "percentile", "mse")
TARGETS = ("host", "x86-avx2", "x86-vnni", "armv8.0", "armv8.2-dot", "mobile-gpu")


class Asked(TypedDict, total=False):
    """The options of a command line that choose profiles; a missing key changes nothing.

    Attributes:
        int8, fp16, dynamic_range: the precision; float32 without one of them.
        profiles: names or files of profiles, in place of a format and a precision.
        io, bake_preprocess, target, ranges, batch, opset, ir_version, form: as the fields of a profile.
    """

    int8: bool
    fp16: bool
    dynamic_range: bool
    profiles: Sequence[str]
    io: str | None
    bake_preprocess: bool
    target: str | None
    ranges: str | None
    batch: BatchSize | None
    opset: int | None
    ir_version: int | None
    form: str | None


def choose_matrix(format_: str | None, **asked: Unpack[Asked]) -> list[ExportProfile]:
    """As :func:`choose_profiles`, but without a format there are all, and without a precision float32 and int8.

    Raises:
        UsageError: as there.
    """
    if asked.get("profiles"):
        return choose_profiles(format_, **asked)
    format_ = format_ or "all"
    if asked.get("int8") or asked.get("fp16") or asked.get("dynamic_range"):
        return choose_profiles(format_, **asked)
    known_words(asked)
    of_float: Asked = {**asked, "io": None, "ranges": None}
    of_int8: Asked = {**asked, "int8": True}
    pairs = zip(choose_profiles(format_, **of_float), choose_profiles(format_, **of_int8), strict=True)
    return [profile for pair in pairs for profile in pair]


def choose_profiles(format_: str | None, **asked: Unpack[Asked]) -> list[ExportProfile]:
    """The profiles that a command line asks for, in the order of ``FORMATS``.

    Raises:
        UsageError: two options that contradict each other, or an unknown word.
    """
    int8, fp16, dynamic_range = (asked.get(name, False) for name in ("int8", "fp16", "dynamic_range"))
    precisions = [o for o, on in (("--int8", int8), ("--fp16", fp16), ("--dynamic-range", dynamic_range)) if on]
    if len(precisions) > 1:
        raise UsageError(f"{' and '.join(precisions)} contradict each other", "give one of them")
    names = asked.get("profiles", ())
    if names and (format_ or precisions):
        given = [*(["--format"] if format_ else []), *precisions]
        raise UsageError(
            f"--profile and {' and '.join(given)} contradict each other", "a profile names its format and precision"
        )
    known_words(asked)
    if names:
        chosen = [find_profile(name) for name in names]
    else:
        precision: Precision = "int8" if int8 else "fp16" if fp16 else "fp32"
        chosen = [profile_for(f, INT8_WEIGHTS[f] if dynamic_range else precision) for f in formats(format_)]
    chosen = with_versions([override(profile, asked) for profile in chosen], asked)
    form = asked.get("form")
    return chosen if form is None else [profile.model_copy(update={"form": form}) for profile in chosen]


def known_words(asked: Asked) -> None:
    """Make sure that ``--io``, ``--target`` and ``--ranges`` are known.

    Raises:
        UsageError: one is not.
    """
    given = {"--io": asked.get("io"), "--target": asked.get("target"), "--ranges": asked.get("ranges")}
    for (option, word), known in zip(given.items(), (IO_TYPES, TARGETS, RANGES), strict=True):
        if word is not None and word not in known:
            raise UsageError(f"unknown {option} {word!r}", did_you_mean(word, known))


def formats(format_: str | None) -> tuple[Format, ...]:
    """The formats that ``--format`` means: one, several with commas between them, or all.

    Raises:
        UsageError: none is given, or one is unknown.
    """
    if format_ is None:
        raise UsageError("no format given", "add --format onnx, tflite, openvino or all")
    if format_ == "all":
        return FORMATS
    words = [word.strip() for word in format_.split(",")]
    for word in words:
        if word not in FORMATS:
            raise UsageError(f"unknown format {word!r}", did_you_mean(word, (*FORMATS, "all")))
    return tuple(known for known in FORMATS if known in words)


def with_versions(profiles: list[ExportProfile], asked: Asked) -> list[ExportProfile]:
    """The profiles, those of ONNX with the opset and IR version of the command line.

    Raises:
        UsageError: there is no ONNX profile, or no such version is written.
    """
    versions = {"opset": asked.get("opset"), "ir_version": asked.get("ir_version")}
    given = {key: value for key, value in versions.items() if value is not None}
    if given and all(profile.format != "onnx" for profile in profiles):
        options = " and ".join(f"--{key.replace('_', '-')}" for key in given)
        raise UsageError(f"{options} is about ONNX files, and this export makes none", "add --format onnx")
    return [derived(profile, given) if profile.format == "onnx" else profile for profile in profiles]


def override(profile: ExportProfile, asked: Asked) -> ExportProfile:
    """The profile with what the command line changes, but for its opset, IR version and form.

    Raises:
        UsageError: as :func:`derived`, or ``ranges`` for a profile that is not int8.
    """
    ranges, target = asked.get("ranges"), asked.get("target")
    if ranges is not None and profile.quantization is None:
        raise UsageError(f"--ranges says how int8 is calibrated, and {profile.name} is not int8", "add --int8")
    if target is not None:
        profile = ExportProfile.model_validate({**profile.model_dump(), "target": target})
    changes = {"io": asked.get("io"), "batch": asked.get("batch"), "ranges": ranges}
    return derived(profile, {**changes, "bake_preprocess": asked.get("bake_preprocess") or None})


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
