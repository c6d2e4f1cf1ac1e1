"""What a manifest says, as constants of a program in C++ or Kotlin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...types import Artifact, Preprocessing, TensorSpec

OPEN_SIZE = 1
"""What the programs give an open batch."""


def cpp_constants(artifact: Artifact) -> str:
    """``kModel``, ``kInputs``, ``kOutputs``, ``kHasPhoto`` and ``kPhoto``."""
    how = artifact.inputs[0].preprocessing
    photo = "" if how is None else ", ".join(photo_values(how, artifact.inputs[0], "{", "}"))
    return (
        f"static const char* kModel = {quoted(artifact.model_file)};\n"
        f"static const std::vector<Tensor> kInputs = {{{cpp_tensors(artifact.inputs)}}};\n"
        f"static const std::vector<Tensor> kOutputs = {{{cpp_tensors(artifact.outputs)}}};\n"
        f"static const bool kHasPhoto = {truth(how is not None)};\n"
        f"static const Photo kPhoto = {{{photo}}};\n"
    )


def kotlin_constants(artifact: Artifact) -> str:
    """``MODEL``, ``INPUTS``, ``OUTPUTS`` and ``PHOTO``."""
    how = artifact.inputs[0].preprocessing
    photo = (
        "null" if how is None else f"Photo({', '.join(photo_values(how, artifact.inputs[0], 'floatArrayOf(', ')'))})"
    )
    return (
        f"private const val MODEL = {quoted(artifact.model_file, kotlin=True)}\n"
        f"private val INPUTS = listOf({kotlin_tensors(artifact.inputs)})\n"
        f"private val OUTPUTS = listOf({kotlin_tensors(artifact.outputs)})\n"
        f"private val PHOTO: Photo? = {photo}\n"
    )


def cpp_tensors(specs: Sequence[TensorSpec]) -> str:
    """The initialisers of ``Tensor``."""
    made = []
    for spec in specs:
        shape = ", ".join(str(OPEN_SIZE if size < 0 else size) for size in spec.shape)
        scale, zero_point = stored_as(spec)
        made.append(f"{{{quoted(spec.name)}, {{{shape}}}, {quoted(spec.dtype)}, {scale}, {zero_point}}}")
    return ", ".join(made)


def kotlin_tensors(specs: Sequence[TensorSpec]) -> str:
    """The constructors of ``Tensor``."""
    words = ((quoted(one.name, kotlin=True), quoted(one.dtype, kotlin=True), *stored_as(one)) for one in specs)
    return ", ".join(f"Tensor({', '.join(map(str, four))})" for four in words)


def stored_as(spec: TensorSpec) -> tuple[str, int]:
    """Scale and zero point; a scale of 0 where real numbers are stored."""
    kept = spec.quantization
    return ("0.0f", 0) if kept is None else (number(kept.scale), kept.zero_point)


def photo_values(how: Preprocessing, spec: TensorSpec, opening: str, closing: str) -> list[str]:
    """The members of ``Photo``, in their order; ``opening`` and ``closing`` make a list of floats."""
    rows, columns = how.size
    short, (high, wide) = (how.resize, (0, 0)) if isinstance(how.resize, int) else (0, how.resize)
    members = [*map(str, (rows, columns, short, high, wide)), quoted(how.interpolation), quoted(how.channels)]
    members += [opening + ", ".join(map(number, values)) + closing for values in (how.mean, how.std)]
    return [*members, truth(how.baked), truth(spec.layout == "NHWC")]


def number(value: float) -> str:
    """A float's literal, of both languages."""
    return f"{float(value)!r}f"


def truth(value: bool) -> str:
    """A boolean's literal, of both languages."""
    return "true" if value else "false"


def quoted(text: str, kotlin: bool = False) -> str:
    """A string's literal: names come from files that strangers may have made."""
    return '"' + "".join(escaped(text, kotlin)) + '"'


def escaped(text: str, kotlin: bool) -> Iterable[str]:
    """The characters of a literal."""
    if kotlin:
        units = text.encode("utf-16-be", "surrogatepass")
        for high, low in zip(units[::2], units[1::2], strict=True):
            plain = high == 0 and 32 <= low < 127 and chr(low) not in '"\\$'
            yield chr(low) if plain else f"\\u{high:02x}{low:02x}"
        return
    for byte in text.encode("utf-8", "surrogatepass"):
        yield chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
