"""The request to the converters of networks of any kind, and their answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.target import saturates
from ...types import ExportProfile, Frozen, TargetClass

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Nearness:
    """How near outputs are to those of the float network.

    Attributes:
        beyond_db: by how much the worst of them is beyond its bounds; negative where it misses one.
        sqnr_db: of the worst output.
        failures: the bounds that are missed, in words.
    """

    beyond_db: float
    sqnr_db: float
    failures: tuple[str, ...]


@dataclass(frozen=True)
class AnyJob:
    """One conversion.

    Attributes:
        program: the network, traced; None for that of an ONNX file.
        file: the ONNX file, in place of a program.
        sets: calibration inputs, one array for each input, with the sets as a dimension in front.
        inputs, outputs: names, in the network's order.
        folder: where the files go.
        judge: says how near the second outputs are to the first.
        strict_int8: keep nothing in float on purpose.
        imported: traces an ONNX file, which fails where PyTorch has no such operator; None beside a program.
    """

    program: torch.export.ExportedProgram | None
    file: Path | None
    profile: ExportProfile
    target: TargetClass
    sets: list[NDArray[Any]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    folder: Path
    judge: Callable[[Sequence[NDArray[Any]], Sequence[NDArray[Any]]], Nearness]
    strict_int8: bool = False
    imported: Callable[[], torch.export.ExportedProgram] | None = None

    def row(self, number: int) -> dict[str, NDArray[Any]]:
        """One set of inputs by name."""
        return {name: np.asarray(array[number]) for name, array in zip(self.inputs, self.sets, strict=True)}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the inputs, by name."""
        return {name: array.shape[1:] for name, array in zip(self.inputs, self.sets, strict=True)}

    @property
    def count(self) -> int:
        """How many sets of inputs there are."""
        return len(self.sets[0])


def ranges_words(words: dict[str, str | bool], outliers: int) -> dict[str, str | bool]:
    """How int8 was made, with the outliers an input that the ranges leave out."""
    return {**words, "ranges": f"outliers {outliers}"} if outliers else words


def int8_words(words: dict[str, str | bool], target: TargetClass) -> dict[str, str | bool]:
    """How int8 was made, for the manifest, with how the weights fit a target that saturates."""
    from ..int8.weight_range import PAIRED  # which imports PyTorch, and the parent of a child reads this module

    return {**words, "weights": f"{words['weights']}, {PAIRED}"} if saturates(target) else words


class AnyConverted(Frozen):
    """The result of a converter.

    Attributes:
        files: names relative to the job's folder; the first is the one that a runtime opens.
        inputs, outputs: for each input and output of the network, in order, its position in the file.
        float_nodes: names in the file of the operators that an int8 file computes in float on purpose.
    """

    files: tuple[str, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    quantization: dict[str, str | bool] | None = None
    notes: tuple[str, ...] = ()
    float_nodes: tuple[str, ...] = ()
