"""A network of any kind as an exported program: traced once, with its exact rewrites where they apply."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import fx, nn
from torch.utils import _pytree as pytree

from ...errors import UsageError
from ...passes.pipeline import apply_rewrites
from ...types import Rewrite
from .constants import fold_constants
from .named import numbered
from .source import described

Tensors = tuple[torch.Tensor, ...]
CLOSE = 1e-4
"""Largest difference, relative to the largest output, of a rewritten network: float32's own rounding."""


def outputs_of(network: nn.Module, inputs: Tensors) -> dict[str, torch.Tensor]:
    """What a network gives, by name: those of a dict, else ``output``, ``output_1`` ... in order.

    Raises:
        UsageError: it fails on the inputs, or gives something else than tensors.
    """
    made = made_of(network, tuple(one.clone() for one in inputs))  # some change theirs in place
    leaves = pytree.tree_leaves(made)
    if not leaves or not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
        kinds = sorted({type(leaf).__name__ for leaf in leaves if not isinstance(leaf, torch.Tensor)})
        raise UsageError(
            f"the network gives {', '.join(kinds) or 'nothing'} where tensors are expected", "return tensors"
        )
    for place, leaf in enumerate(leaves):
        if leaf.is_complex():
            raise UsageError(
                f"output {place} of the network is {str(leaf.dtype).removeprefix('torch.')}, which no runtime has",
                "return its real and imaginary parts: torch.view_as_real",
            )
    if isinstance(made, dict) and len(made) == len(leaves):
        return {str(key): leaf for key, leaf in zip(made, leaves, strict=True)}
    return {numbered("output", place): leaf for place, leaf in enumerate(leaves)}


def made_of(network: nn.Module, inputs: Tensors) -> Any:
    """What a network gives.

    Raises:
        UsageError: it fails on them.
    """
    try:
        with torch.no_grad():
            return network(*inputs)
    except Exception as error:  # a user's code raises anything
        shapes = ", ".join(f"{t.dtype} {list(t.shape)}".removeprefix("torch.") for t in inputs)
        hint = "give other shapes with --input"
        kinds = {one.dtype for one in network.parameters() if one.is_floating_point()}
        if kinds and not kinds & {one.dtype for one in inputs} and any(one.is_floating_point() for one in inputs):
            hint = "its weights are " + ", ".join(sorted(str(one).removeprefix("torch.") for one in kinds))
            hint += ": build it with .float(), or give inputs of that type"
        raise UsageError(f"the network fails on inputs of {shapes}: {described(error)}", hint) from error


def rewritten(
    network: nn.Module, inputs: Tensors, rewrites: Sequence[str]
) -> tuple[nn.Module, tuple[Rewrite, ...], str]:
    """The network with the exact rewrites whose preconditions hold, what each did, and why there are none.

    A network of several inputs or one that torch.fx cannot trace stays as it is.
    """
    if not rewrites:
        return network, (), ""
    if isinstance(network, fx.GraphModule):
        return network, (), "no rewrites: the network came as a traced program"
    if len(inputs) != 1:
        return network, (), "no rewrites: they know networks of one input"
    before = outputs_of(network, inputs)
    try:
        made, done = apply_rewrites(fx.symbolic_trace(network), tuple(rewrites), inputs[0])
        after = outputs_of(made, inputs)
    except Exception as error:  # noqa: BLE001 - a foreign network may fail anywhere in a pass; it goes on as it is
        return network, (), f"no rewrites: {described(error)}"
    for name, expected in before.items():
        if not expected.is_floating_point() or not expected.numel():
            continue
        scale = float(expected.abs().max()) or 1.0
        if float((after[name] - expected).abs().max()) > CLOSE * scale:
            return network, (), f"no rewrites: they change {name}"
    return made, done, ""


def exported(network: nn.Module, inputs: Tensors, path: Path) -> None:
    """Trace a network with torch.export and keep the program.

    Raises:
        UsageError: it cannot be traced; the message names the line of the user's code where PyTorch tells it.
    """
    try:
        with torch.no_grad():
            program = fold_constants(torch.export.export(network, inputs, strict=False), inputs)
    except Exception as error:  # torch.export raises anything
        raise UsageError(f"torch.export cannot trace the network: {reason_of(error)}", TRACE_HINT) from error
    torch.export.save(program, path)


TRACE_HINT = (
    "control flow that depends on data, and shapes that do, cannot be exported; torch.where and fixed sizes can "
    "(https://docs.pytorch.org/docs/stable/export.html)"
)


def reason_of(error: Exception) -> str:
    """The first lines of PyTorch's reason, and the line of code that it names."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    user = next((line for line in lines if line.startswith('File "') and "site-packages" not in line), "")
    user = user or line_of(error)
    first = lines[0][:300] if lines else type(error).__name__
    return f"{first} ({user})" if user else first


def line_of(error: Exception) -> str:
    """The last line of the user's code on the way to an error; empty where none is."""
    ours = str(Path(__file__).parents[3])
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    last = next((f for f in reversed(frames) if not f.filename.startswith((ours, sys.base_prefix, "<"))), None)
    return "" if last is None else f"{Path(last.filename).name}, line {last.lineno}"


def as_tensors(arrays: Sequence[Any]) -> Tensors:
    """NumPy arrays as tensors; what is one number, and no array, gets no dimensions."""
    return tuple(torch.from_numpy(np.asarray(array)) for array in arrays)
