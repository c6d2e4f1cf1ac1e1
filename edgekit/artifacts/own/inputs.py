"""The inputs that a user's own network is calibrated and verified on: a file's, images, or random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...base.images.pixels import load_pixels, normalise
from ...errors import UsageError
from ...types import ImageSet, Preprocessing, TensorSpec
from ...verify.sets_of_inputs import Arrays, given_inputs, random_inputs
from ..foreign import image_layout
from .requests import Sized

RANDOM_SETS = 16


def load_inputs(
    calibration: str | None,
    specs: Sequence[TensorSpec],
    said: Mapping[str, Any],
    codes: Mapping[str, int] | None = None,
) -> tuple[Arrays, ImageSet, Preprocessing | None]:
    """The inputs, what they are, and how images became them where images did.

    Args:
        calibration: a ``.npz`` of inputs or a folder of images; random inputs when None.
        specs: of the network's inputs.
        said: what the command line says of the preprocessing of images.
        codes: see :func:`~edgekit.verify.sets_of_inputs.random_inputs`.

    Raises:
        UsageError: they do not fit, or cannot be read.
    """
    if calibration is None or calibration == "synthetic":
        return (*random_inputs(specs, RANDOM_SETS, codes), None)
    if calibration.endswith(".npz"):
        return (*given_inputs(Path(calibration), specs), None)
    return images_of(calibration, specs, said)


def images_of(
    folder: str, specs: Sequence[TensorSpec], said: Mapping[str, Any]
) -> tuple[Arrays, ImageSet, Preprocessing]:
    """A folder of images as inputs of a network that takes one image.

    Raises:
        UsageError: the network takes something else, or the images cannot be read.
    """
    shape = specs[0].shape
    if len(specs) != 1 or len(shape) != 4 or shape[0] != 1 or shape[1] not in (1, 3):
        taken = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in specs)
        raise UsageError(f"the network takes {taken}, which no image becomes", "give --calibration FILE.npz")
    size = (shape[2], shape[3])
    grey = shape[1] == 1
    crop: int | list[int] = size[0] if size[0] == size[1] else list(size)
    usual = {"mean": [0.0] * shape[1], "std": [1.0] * shape[1], "resize": crop}
    kept = {key: value for key, value in said.items() if key != "input_size"}
    kind = "options" if {"mean", "std"} <= kept.keys() else "assumed"
    source = (
        "the command line" if kind == "options" else "pixels from 0 to 1: give --mean and --std where it is another"
    )
    plain = {
        **usual,
        "interpolation": "bilinear",
        "channels": "L" if grey else "RGB",
        "crop": crop,
        **kept,
        "origin": {"kind": kind, "source": source},
    }
    made = Preprocessing.from_plain(plain)
    pixels, found = load_pixels(folder, made)
    return [normalise(pixels, made)[:, None]], found, made


def spec_of_sized(one: Sized) -> TensorSpec:
    """An input or output of the network as PyTorch has it."""
    return TensorSpec(name=one.name, shape=one.shape, layout=image_layout(one.shape), dtype=one.dtype)
