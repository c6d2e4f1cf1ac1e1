"""ONNX's ways to resize: PyTorch's own function where it computes the same, else pixel by pixel in each dimension."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .node import Node, NotKnown

ROUNDING: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - np.float32(0.5)),
    "round_prefer_ceil": lambda x: np.floor(x + np.float32(0.5)),
    "floor": np.floor,
    "ceil": np.ceil,
}
LINEAR = {3: "linear", 4: "bilinear"}
PLACES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
OLD = 11
"""The opset since which a Resize says how it takes the pixels."""


@dataclass(frozen=True)
class Side:
    """How one dimension is resized.

    Attributes:
        scale: that the file gives, or that follows from the sizes.
    """

    before: int
    after: int
    scale: float

    @property
    def exact(self) -> bool:
        """Whether the scale is that of the sizes, as PyTorch computes it."""
        return math.isclose(self.scale, self.after / self.before, rel_tol=1e-6)

    def positions(self, place: str) -> np.ndarray:
        """Where each pixel of the result lies before, in float32 as ONNX Runtime computes it."""
        new, scale = np.arange(self.after, dtype=np.float32), np.float32(self.scale)
        if place == "asymmetric":
            return new / scale
        if place == "align_corners":
            return new * np.float32((self.before - 1) / (self.after - 1) if self.after > 1 else 0.0)
        if place == "pytorch_half_pixel" and self.after == 1:
            return np.zeros(1, np.float32)
        return (new + np.float32(0.5)) / scale - np.float32(0.5)


def resized(node: Node, values: Tensor, *_: Tensor) -> Tensor:
    """A tensor of any number of dimensions in another size.

    Raises:
        NotKnown: it is resized in a way that is not written here.
    """
    sides = sides_of(node, values)
    mode, place = node.get("mode", "nearest"), node.get("coordinate_transformation_mode", "half_pixel")
    old = node.kind == "Upsample" or node.opset < OLD
    place = "asymmetric" if old else place
    if node.get("antialias", 0) or node.get("exclude_outside", 0):
        raise NotKnown("it resizes with antialias or exclude_outside")
    if place not in PLACES or mode not in ("nearest", "linear", "cubic"):
        raise NotKnown(f"it resizes by {mode} with {place}")
    if any(side.scale != 1 for side in sides[:2]):
        raise NotKnown("it resizes more than height and width")
    alone = place == "pytorch_half_pixel" and any(side.after == 1 for side in sides[2:])
    plain = values.ndim in LINEAR and all(side.exact for side in sides) and not alone
    sizes = [side.after for side in sides[2:]]
    if mode == "cubic":
        if not plain or values.ndim != 4 or place == "asymmetric" or node.get("cubic_coeff_a", -0.75) != -0.75:
            raise NotKnown(f"it resizes by cubic with {place}")
        return F.interpolate(values, sizes, mode="bicubic", align_corners=place == "align_corners")
    if mode == "linear":
        if plain and place != "asymmetric":
            return F.interpolate(values, sizes, mode=LINEAR[values.ndim], align_corners=place == "align_corners")
        return by_dimension(values, sides, lambda one, side, axis: between(one, side, axis, place))
    rounding = node.get("nearest_mode", "round_prefer_floor")
    whole = all(side.after % side.before == 0 for side in sides)
    if plain and place == "asymmetric" and (rounding == "floor" or old) and all(s.scale >= 1 for s in sides):
        return F.interpolate(values, sizes, mode="nearest")
    if plain and whole and "half_pixel" in place and rounding.startswith("round"):
        return F.interpolate(values, sizes, mode="nearest-exact")

    def nearest(one: Tensor, side: Side, axis: int) -> Tensor:
        way = ("floor" if side.scale >= 1 else "ceil") if old else rounding
        return one.index_select(axis, index(ROUNDING[way](side.positions(place)), side))

    return by_dimension(values, sides, nearest)


def by_dimension(values: Tensor, sides: list[Side], resize: Callable[[Tensor, Side, int], Tensor]) -> Tensor:
    """``values`` resized in one dimension after the other."""
    for axis, side in enumerate(sides):
        if side.scale != 1 or side.after != side.before:
            values = resize(values, side, axis)
    return values


def between(values: Tensor, side: Side, axis: int, place: str) -> Tensor:
    """The pixels on both sides of each position, by their distance."""
    where = np.clip(side.positions(place), 0, side.before - 1)
    low = np.floor(where)
    shape = [side.after if one == axis else 1 for one in range(values.ndim)]
    share = torch.from_numpy(where - low).to(values.dtype).reshape(shape)
    first, second = (values.index_select(axis, index(at, side)) for at in (low, low + 1))
    return first + (second - first) * share


def index(at: np.ndarray, side: Side) -> Tensor:
    """Positions as the numbers of pixels, those outside as the last one."""
    return torch.from_numpy(np.clip(at, 0, side.before - 1).astype(np.int64))


def sides_of(node: Node, values: Tensor) -> list[Side]:
    """How every dimension is resized, also those that a newer file leaves out.

    Raises:
        NotKnown: the file does not say it, or asks to keep the proportions.
    """
    if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise NotKnown("it resizes and keeps the proportions")
    axes = node.get("axes", list(range(values.ndim)))
    scales = node.setting("scales", 1 if node.kind == "Upsample" or node.opset < OLD else 2)
    said = scales or node.value(3)
    if not said:
        raise NotKnown("neither scales nor sizes are known")
    sides = [Side(size, size, 1.0) for size in values.shape]
    for axis, given in zip(axes, said, strict=True):
        before = values.shape[axis]
        after = math.floor(before * given) if scales else int(given)
        sides[axis] = Side(before, after, float(given) if scales else after / before)
    return sides
