"""Networks: what to build, and how its input is made."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Frozen, Layout, Name
from .urls import Url


class Preprocessing(Frozen):
    """From an image file to the network's input: resize the short side, crop the centre, scale to [0, 1], normalise.

    Attributes:
        resize: short side after resizing, pixels.
        crop: side of the centre crop, pixels.
        mean, std: per channel, in units of [0, 1], in the order of ``channels``.
        baked: True when the artifact itself scales and normalises, so that it takes pixels 0..255.
    """

    resize: int
    crop: int
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    channels: Literal["RGB", "BGR"] = "RGB"
    mean: tuple[float, ...]
    std: tuple[float, ...]
    baked: bool = False


class QuantParams(Frozen):
    """Affine quantization of one tensor: ``real = scale * (stored - zero_point)``."""

    scale: float
    zero_point: int


class TensorSpec(Frozen):
    """An input or output of an artifact, batch included in ``shape``."""

    name: str
    shape: tuple[int, ...]
    layout: Layout
    dtype: str
    quantization: QuantParams | None = None
    preprocessing: Preprocessing | None = None


class Weights(Frozen):
    """A public checkpoint of a card.

    Attributes:
        sha256: the digest, or its first digits (torchvision puts eight of them in the file name).
        licence: as stated by the publisher; None when none is stated.
        top1, top5: published ImageNet accuracy, percent.
    """

    name: str
    url: Url | None = None
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{8,64}$")
    size_bytes: int | None = None
    licence: str | None = None
    top1: float | None = None
    top5: float | None = None
    resize: int | None = None


class Published(Frozen):
    """An accuracy figure as its source prints it, percent."""

    source: str
    top1: float
    top5: float | None = None


class ModelCard(Frozen):
    """One network variant: what to build and what it must turn out to be. The catalog's own cards say everything; a
    user's may leave out what is not needed to build it.

    Attributes:
        id: the name users type.
        architecture: keyword arguments of the family's builder.
        input_shape: ``(channels, height, width)``.
        paper, licence: of the architecture; empty when not told.
        params: learnable elements, BN included; None when not told.
        macs: multiply-accumulates of conv and linear at ``input_shape``, batch 1 (1 MAC = 2 FLOPs).
    """

    id: Name
    family: str
    aliases: tuple[str, ...] = ()
    title: str
    paper: str = ""
    licence: str = ""
    architecture: dict[str, str | int | float | bool]
    num_classes: int
    input_shape: tuple[int, int, int]
    preprocessing: Preprocessing
    params: int | None = None
    macs: int | None = None
    published: tuple[Published, ...] = ()
    weights: tuple[Weights, ...] = ()


class CheckpointReading(Frozen):
    """How a checkpoint file is to be read where it leaves a choice.

    Attributes:
        ema: take the moving average of the weights, not the weights.
        tf_padding: the weights were trained with TensorFlow's padding; None for what the file and its name tell.
    """

    ema: bool = False
    tf_padding: bool | None = None
