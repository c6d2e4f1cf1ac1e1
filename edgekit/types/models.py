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
        interpolation: how the image is resized.
        channels: their order in the network's input.
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
        name: as its publisher calls it.
        url: where it is published.
        sha256: the digest, or its first digits (torchvision puts eight of them in the file name).
        size_bytes: size of the file.
        licence: as stated by the publisher; None when none is stated.
        top1, top5: published ImageNet accuracy, percent.
        resize: short side after resizing, pixels, when it differs from that of the card.
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
    """An accuracy figure as its source prints it, percent.

    Attributes:
        source: who published it: a paper, or a release of weights.
        top1, top5: accuracy on ImageNet's validation images, or on the data set that the card's name says, percent.
    """

    source: str
    top1: float
    top5: float | None = None


class ModelCard(Frozen):
    """One network variant: what to build and what it must turn out to be.

    Attributes:
        id: the name users type.
        family: its builder is ``edgekit/zoo/<family>.py``.
        aliases: other names that users may type, such as those of torchvision and timm.
        title: the name for people.
        paper: address of the paper.
        licence: of the architecture as it is built.
        architecture: keyword arguments of the family's builder.
        num_classes: outputs.
        input_shape: ``(channels, height, width)``.
        preprocessing: from an image file to the input.
        params: learnable elements, BN included.
        macs: multiply-accumulates of conv and linear at ``input_shape``, batch 1 (1 MAC = 2 FLOPs).
        published: accuracy figures and who published them.
        weights: public checkpoints.
    """

    id: Name
    family: str
    aliases: tuple[str, ...] = ()
    title: str
    paper: str
    licence: str
    architecture: dict[str, str | int | float | bool]
    num_classes: int
    input_shape: tuple[int, int, int]
    preprocessing: Preprocessing
    params: int
    macs: int
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
