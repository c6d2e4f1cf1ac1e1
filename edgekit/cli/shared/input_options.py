"""The options that say how images become a network's input; several commands have them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import UsageError

if TYPE_CHECKING:
    from ...zoo.preprocessing import Size, Wishes

InputSize = Annotated[
    str | None, typer.Option("--input-size", help="Size of the network's input: 160, or 96x128 (height x width).")
]
Mean = Annotated[str | None, typer.Option("--mean", help="Of training's images, 0 to 1: 0.5 or 0.485,0.456,0.406.")]
Std = Annotated[str | None, typer.Option("--std", help="Likewise.")]
Resize = Annotated[str | None, typer.Option("--resize", help="Short side before the crop; HxW stretches to it.")]
Crop = Annotated[str | None, typer.Option("--crop", help="The centre crop; it has to be the input's size.")]
Interpolation = Annotated[
    str | None, typer.Option("--interpolation", help="Of the resizing: bilinear, bicubic, lanczos or nearest.")
]
Channels = Annotated[str | None, typer.Option("--channels", help="RGB, BGR, or L for grey images.")]


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
    """The numbers of a list; a single one is that of every channel.

    Raises:
        UsageError: they are none.
    """
    try:
        found = tuple(float(word) for word in re.split(r"[,\s]+", text.strip("[]() \t")))
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is no list of numbers", f"{option} 0.485,0.456,0.406") from error
    return found * count if len(found) == 1 else found


def sides(option: str, text: str) -> int | Size:
    """``160`` or ``96x128``.

    Raises:
        UsageError: neither.
    """
    match = re.fullmatch(r"(\d{1,5})(?:[xX×,](\d{1,5}))?", text.strip())
    if match is None:
        raise UsageError(f"{option} {text!r} is no size", f"{option} 160, or {option} 96x128 (height x width)")
    return int(match[1]) if match[2] is None else (int(match[1]), int(match[2]))
