"""Networks: the architecture to build, and how its input is made."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Frozen, Layout, Name
from .urls import Url

Interpolation = Literal["bilinear", "bicubic", "lanczos", "nearest"]
Channels = Literal["RGB", "BGR", "L"]
PREPROCESSING_RECORD = "edgekit_preprocessing"
"""Key of the JSON text of a :class:`Preprocessing` in a checkpoint of edgekit's trainer."""
MOST_CLASSES, LARGEST_SIDE = 10_000_000, 16_384
"""Outputs of a network, and pixels of an image's side: more is a slip, which would fill the memory."""
Factor = Annotated[float, Field(ge=-10_000, le=10_000)]
Option = Annotated[str, Field(max_length=200)] | bool | Annotated[int, Field(ge=-10_000, le=10_000)] | Factor
"""An architecture's argument: no width, depth or number of groups is larger."""
LARGEST = 5.0
"""Mean and std of pixels from 0 to 1 are below 1; those of pixels from 0 to 255 are tens, also of dark data sets."""


class Origin(Frozen):
    """The source of a network's preprocessing.

    Attributes:
        kind: ``assumed`` when there is none: the card of the architecture may be wrong for the weights.
        source: in words.
    """

    kind: Literal["options", "checkpoint", "file", "published", "card", "assumed"]
    source: str


class Preprocessing(Frozen):
    """From an image file to the network's input: resize the short side, crop the centre, scale to [0, 1], normalise.

    Attributes:
        resize: short side after resizing, pixels; or ``(height, width)``, to which the image is stretched.
        crop: side of the centre crop, pixels; or its ``(height, width)``. Where they differ, ``resize`` is the short
            side that the crop has when it is scaled up until the image just covers it.
        interpolation: how the image is resized.
        channels: their order in the network's input; ``L`` is grey, one channel.
        mean, std: per channel, in units of [0, 1], in the order of ``channels``.
        baked: True when the artifact itself scales and normalises, so that it takes pixels 0..255.
        origin: who says all this of the weights at hand; None in a card.
    """

    resize: int | tuple[int, int]
    crop: int | tuple[int, int]
    interpolation: Interpolation = "bilinear"
    channels: Channels = "RGB"
    mean: tuple[float, ...]
    std: tuple[float, ...]
    baked: bool = False
    origin: Origin | None = None

    @property
    def size(self) -> tuple[int, int]:
        """``(height, width)`` of the network's input."""
        return (self.crop, self.crop) if isinstance(self.crop, int) else self.crop

    @model_validator(mode="after")
    def possible(self) -> Self:
        """Refuse values that no network is trained with; each message names the usual mistake."""
        if self.channels == "RGB" and len(self.mean) == len(self.std) == 1:
            object.__setattr__(self, "channels", "L")  # one value for one channel: nobody would write it of three
        count = 1 if self.channels == "L" else 3
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != count:
                raise ValueError(f"{name} has {len(values)} value(s), and {self.channels} images {count} channel(s)")
            if not all(map(math.isfinite, values)):
                raise ValueError(f"{name} must be finite numbers, got {list(values)}")
        if max(*map(abs, self.mean), *self.std) > LARGEST:
            raise ValueError(
                f"mean {list(self.mean)} and std {list(self.std)} look like units of 0 to 255, and they have to be in "
                "units of [0, 1]: divide them by 255"
            )
        if min(self.std) <= 0:
            raise ValueError(f"std must be above 0, got {list(self.std)}: the image is divided by it")
        height, width = self.size
        if min(height, width) < 1:
            raise ValueError(f"crop must be 1 or more, got {self.crop}")
        short = self.resize if isinstance(self.resize, int) else max(self.resize)
        if max(height, width, short) > LARGEST_SIDE:
            raise ValueError(f"crop and resize may be {LARGEST_SIDE} at most, got {self.crop} and {self.resize}")
        least = min(height, width) if isinstance(self.resize, int) else self.size
        if self.resize < least or (not isinstance(self.resize, int) and self.resize[1] < width):  # type: ignore[operator]
            raise ValueError(f"resize {self.resize} is less than crop {self.crop}: the crop would leave the image")
        return self


class QuantParams(Frozen):
    """Affine quantization of one tensor: ``real = scale * (stored - zero_point)``."""

    scale: float
    zero_point: int


LONGEST_SIDE = 1 << 31
"""Of a shape; no tensor that memory holds has a longer one."""
OPEN = -1
"""The size of an open dimension of a shape."""


class TensorSpec(Frozen):
    """An input or output of an artifact.

    Attributes:
        shape: with the batch first; -1 for a batch that is open, which the caller of an inference chooses.
    """

    name: str
    shape: tuple[Annotated[int, Field(ge=OPEN, le=LONGEST_SIDE)], ...]
    layout: Layout
    dtype: str
    quantization: QuantParams | None = None
    preprocessing: Preprocessing | None = None

    @property
    def batch(self) -> int | None:
        """Images of one inference, 1 for a single number; None where it is open."""
        first = self.shape[0] if self.shape else 1
        return None if first == OPEN else first


class Weights(Frozen):
    """A public checkpoint of a card.

    Attributes:
        name: as its publisher calls it.
        url: where it is published.
        sha256: the digest, or its first digits (torchvision puts eight of them in the file name).
        size_bytes: size of the file.
        licence: as stated by the publisher; None when none is stated.
        top1, top5: published ImageNet accuracy, percent.
        resize, mean, std, interpolation, channels: of their preprocessing, where it is not the card's.
    """

    name: str
    url: Url | None = None
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{8,64}$")
    size_bytes: int | None = None
    licence: str | None = None
    top1: float | None = None
    top5: float | None = None
    resize: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    interpolation: Interpolation | None = None
    channels: Channels | None = None


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
    """One network variant: how to build it, and the figures that it must have. The catalog's own cards say everything;
    a user's may leave out what is not needed to build it.

    Attributes:
        id: the name users type.
        family: its builder is ``edgekit/zoo/<family>.py``.
        aliases: other names that users may type, such as those of torchvision and timm.
        data: what ``--data`` and ``--calibration`` call the data set that the variant is made for; empty for ImageNet
            and others that edgekit cannot read.
        title: the name for people.
        paper: address of the paper; empty when not told.
        licence: of the architecture as it is built; empty when not told.
        architecture: keyword arguments of the family's builder.
        num_classes: outputs.
        input_shape: ``(channels, height, width)``; ``preprocessing`` has to make images of that shape.
        preprocessing: from an image file to the input.
        params: learnable elements, BN included; None when not told.
        macs: multiply-accumulates of conv and linear at ``input_shape``, batch 1 (1 MAC = 2 FLOPs).
        published: accuracy figures and who published them.
        weights: public checkpoints.
    """

    id: Name
    family: str
    aliases: tuple[str, ...] = ()
    data: str = ""
    title: str
    paper: str = ""
    licence: str = ""
    architecture: dict[str, Option]
    num_classes: int = Field(ge=1, le=MOST_CLASSES)
    input_shape: tuple[int, int, int]
    preprocessing: Preprocessing
    params: int | None = Field(default=None, ge=0)
    macs: int | None = Field(default=None, ge=0)
    published: tuple[Published, ...] = ()
    weights: tuple[Weights, ...] = ()

    @model_validator(mode="after")
    def agrees(self) -> Self:
        """Refuse a preprocessing that makes images of another shape than the network takes.

        ``crop`` as one number is the short side of an oblong input.
        """
        channels, height, width = self.input_shape
        if height != width and self.preprocessing.crop == min(height, width):
            spelled_out = self.preprocessing.model_copy(update={"crop": (height, width)})
            object.__setattr__(self, "preprocessing", spelled_out)
        if (height, width) != self.preprocessing.size:
            rows, columns = self.preprocessing.size
            raise ValueError(
                f"input_shape {list(self.input_shape)} and preprocessing.crop, {rows} x {columns}, do not agree: make "
                "them the same (an oblong input takes crop = [height, width])"
            )
        if channels != len(self.preprocessing.mean):
            kind = self.preprocessing.channels
            raise ValueError(f"input_shape has {channels} channels, and preprocessing makes {kind} images")
        return self


class CheckpointReading(Frozen):
    """How a checkpoint file is to be read where it leaves a choice.

    Attributes:
        ema: take the moving average of the weights, not the weights.
        tf_padding: the weights were trained with TensorFlow's padding; None for what the file and its name tell.
    """

    ema: bool = False
    tf_padding: bool | None = None
