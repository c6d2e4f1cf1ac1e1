"""Run a model file of any inputs and outputs on sets of inputs, and judge its outputs by those of its network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.scratch import scratch_folder
from ..types import ImageSet, Parity, ParityTolerance, Runtime
from ..types.answers import OutputsAnswer
from ..verify.parity import compare
from ..verify.sets_of_inputs import Arrays, Shapes, load_arrays, save_arrays
from .children.asking import ask_here

if TYPE_CHECKING:
    from numpy.typing import NDArray


RARE_IN_INT8 = 1e-3
"""Share of an int8 output's values that may be far off, where they are many: a map's, not a row of scores."""


def outputs_of(file: Path, runtime: Runtime, sets: Arrays, shapes: Shapes, timeout_s: float, what: str) -> Arrays:
    """A file's outputs, in the runtime's order, each with the sets as a dimension in front.

    Args:
        file: what the runtime opens.
        runtime: runs it on this machine.
        sets: an array for each input, in the runtime's order, with the sets as a dimension in front.
        shapes: of inputs that the file leaves open, by name.
        timeout_s: after that it is given up.
        what: the step in words, for messages.

    Raises:
        ToolError: the runtime is not installed, or fails.
    """
    with scratch_folder() as folder:
        given, taken = folder / "inputs.npz", folder / "outputs.npz"
        save_arrays(given, sets)
        request = {"model": str(file.resolve()), "threads": 1}
        files = {"shapes": shapes, "inputs": str(given), "outputs": str(taken)}
        ask_here(OutputsAnswer, runtime, {**request, **files}, timeout_s, what)
        return load_arrays(taken)


def fair_bounds(bounds: ParityTolerance, source: ImageSet) -> ParityTolerance:
    """The bounds that suit the inputs. Random inputs resemble one another, and so do their outputs: the differences
    between such outputs are no signal to judge by.
    """
    return bounds.model_copy(update={"min_image_sqnr_db": None}) if source.kind == "synthetic" else bounds


def compare_output(expected: NDArray[Any], got: NDArray[Any], bounds: ParityTolerance, rare: float = 0.0) -> Parity:
    """Parity of one output of any rank, both with the sets as a dimension in front.

    Args:
        expected: by the network.
        got: by the artifact.
        bounds: what the artifact has to keep.
        rare: share of the values that may be off by more than the bound of the largest error, as pixels at the edge
            of a mask are that turn over; the bound is then what they are off by.
    """
    exact, made = expected.astype(np.float32).reshape(len(expected), -1), got.reshape(len(got), -1)
    parity = compare(exact, made, bounds, trained=False)
    scale = parity.reference_max_abs
    if scale and parity.max_abs > bounds.max_abs_error * scale:
        beyond = float(np.mean(np.abs(exact - made) > bounds.max_abs_error * scale))
        if beyond <= rare:
            wider = bounds.model_copy(update={"max_abs_error": parity.max_abs / scale * (1 + 1e-6)})
            parity = compare(exact, made, wider, trained=False)
    return parity
