"""The options that say how images become a network's input; several commands have them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import UsageError, did_you_mean
from ...verify.onnx_sound import MOST_ELEMENTS

INPUT = "Its input"
"""The group of these options in ``--help``."""

if TYPE_CHECKING:
    from ...artifacts.own.requests import Sized
    from ...types.profiles import BatchSize
    from ...zoo.preprocessing import Size, Wishes

InputSize = Annotated[
    str | None,
    typer.Option(
        "--input-size", help="Input size of the network: 160, or 96x128 (height x width).", rich_help_panel=INPUT
    ),
]
Mean = Annotated[
    str | None,
    typer.Option(
        "--mean", help="Mean of the training images, 0 to 1: 0.5 or 0.485,0.456,0.406.", rich_help_panel=INPUT
    ),
]
Std = Annotated[
    str | None, typer.Option("--std", help="Standard deviation of the training images, 0 to 1.", rich_help_panel=INPUT)
]
Resize = Annotated[
    str | None,
    typer.Option(
        "--resize",
        help="Resize the short side to this before the crop; HxW stretches the image.",
        rich_help_panel=INPUT,
    ),
]
Crop = Annotated[
    str | None,
    typer.Option("--crop", help="Size of the centre crop; it must equal the input size.", rich_help_panel=INPUT),
]
Interpolation = Annotated[
    str | None,
    typer.Option(
        "--interpolation",
        help="Interpolation of the resize: bilinear, bicubic, lanczos or nearest.",
        rich_help_panel=INPUT,
    ),
]
Channels = Annotated[
    str | None, typer.Option("--channels", help="Channel order: RGB, BGR, or L for grey images.", rich_help_panel=INPUT)
]

Batch = Annotated[
    str | None,
    typer.Option(
        "--batch",
        help="Images per inference: a number, or dynamic (ONNX, OpenVINO). [default: 1]",
        rich_help_panel=INPUT,
    ),
]
LARGEST_BATCH = 1024
DTYPES = ("float32", "float16", "float64", "int8", "uint8", "int16", "int32", "int64", "bool")
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        help="Shape of an input of your code or file: 1x3x224x224, or NAME=1x3x224x224; repeatable.",
        rich_help_panel=INPUT,
    ),
]


def input_shapes(texts: list[str] | None) -> dict[str, tuple[int, ...]]:
    """``1x3x224x224`` and ``NAME=1x3x224x224`` as shapes by name; the name of the only input is empty.

    Raises:
        UsageError: neither, a name twice, or more elements than memory holds.
    """
    found: dict[str, tuple[int, ...]] = {}
    for text in texts or ():
        name, _, sizes = text.rpartition("=")
        if re.fullmatch(r"[1-9]\d{0,8}(?:[xX×,][1-9]\d{0,8}){0,7}", sizes.strip()) is None:
            raise UsageError(f"--input {text!r} is not a shape", "--input 1x3x224x224, or --input NAME=1x3x224x224")
        if name in found:
            raise UsageError(f"--input gives {name or 'the input'} two shapes", "give each input one")
        found[name] = tuple(int(size) for size in re.split(r"[xX×,]", sizes.strip()))
        if math.prod(found[name]) > MOST_ELEMENTS:
            raise UsageError(
                f"--input {text!r} has {math.prod(found[name]):.3g} elements, and edgekit takes {MOST_ELEMENTS:.3g}",
                "give a smaller one",
            )
    return found


def batch_size(text: str | None) -> BatchSize | None:
    """``4`` or ``dynamic``.

    Raises:
        UsageError: neither.
    """
    if text is None:
        return None
    if text == "dynamic":
        return "dynamic"
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= LARGEST_BATCH):
        raise UsageError(f"--batch takes a number from 1 to {LARGEST_BATCH}, or dynamic, got {text!r}", "--batch 4")
    return int(text)


def refuse_input(texts: list[str] | None) -> None:
    """Make sure that a network of the zoo was given no ``--input``.

    Raises:
        UsageError: it was.
    """
    if texts:
        raise UsageError("--input is for networks of your own code", "--input-size changes the input of a zoo network")


def sized_inputs(texts: list[str] | None) -> tuple[Sized, ...]:
    """``1x3x224x224``, ``NAME=1x3x224x224`` and ``NAME=1x16:int64`` as inputs of a network.

    Raises:
        UsageError: none of them.
    """
    from ...artifacts.own.requests import Sized

    found = []
    for text in texts or ():
        name, equals, size = text.rpartition("=")  # names of TensorFlow's have a colon too
        size, _, dtype = size.partition(":")
        plain = f"{name}{equals}{size}"
        if dtype and dtype not in DTYPES:
            raise UsageError(f"--input {text!r}: unknown type {dtype!r}", did_you_mean(dtype, DTYPES))
        ((name, shape),) = input_shapes([plain]).items()
        found.append(Sized(name=name, shape=shape, dtype=dtype or "float32"))
    return tuple(found)


def wishes(
    mean: str | None,
    std: str | None,
    resize: str | None,
    crop: str | None,
    interpolation: str | None,
    channels: str | None,
    input_size: str | None,
) -> Wishes:
    """What the options say.

    Raises:
        UsageError: a word that is not what its option takes.
    """
    from ...zoo.preprocessing import Wishes

    grey = channels is not None and channels.upper() == "L"
    size = None if input_size is None else sides("--input-size", input_size)
    return Wishes(
        mean=None if mean is None else numbers("--mean", mean, 1 if grey else 3),
        std=None if std is None else numbers("--std", std, 1 if grey else 3),
        resize=None if resize is None else sides("--resize", resize),
        crop=None if crop is None else sides("--crop", crop),
        interpolation=None if interpolation is None else interpolation.lower(),
        channels=None if channels is None else channels.upper(),
        input_size=(size, size) if isinstance(size, int) else size,
    )


def numbers(option: str, text: str, count: int) -> tuple[float, ...]:
    """The numbers of a list; a single number applies to every channel.

    Raises:
        UsageError: they are none.
    """
    try:
        found = tuple(float(word) for word in re.split(r"[,\s]+", text.strip("[]() \t")))
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not a list of numbers", f"{option} 0.485,0.456,0.406") from error
    return found * count if len(found) == 1 else found


def sides(option: str, text: str) -> int | Size:
    """``160`` or ``96x128``.

    Raises:
        UsageError: neither.
    """
    match = re.fullmatch(r"(\d{1,5})(?:[xX×,](\d{1,5}))?", text.strip())
    if match is None:
        raise UsageError(f"{option} {text!r} is not a size", f"{option} 160, or {option} 96x128 (height x width)")
    return int(match[1]) if match[2] is None else (int(match[1]), int(match[2]))
