"""Networks in files of PyTorch that need no code beside them: a program of ``torch.export``, or TorchScript.

Such a file is code, as ``net.py`` is: its operators are looked up by name and its guards are compiled. The pickles in a
program are read as tensors and plain values only; PyTorch's own loader runs what others hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from ...errors import UsageError
from .named import Named, input_names
from .source import Examples, described

PROGRAM = ".pt2"
SAFE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
"""Of PyTorch's environment: the first keeps a pickle from running code, whatever a caller of ``torch.load`` says."""
CODE_HINT = "write a file net.py whose build() makes the network and loads that file: edgekit export net.py"


def of_file(path: Path, weights: Path | None) -> tuple[nn.Module, Examples | None]:
    """The network of a file, and example inputs by name where it has some.

    Args:
        path: a program, or TorchScript.
        weights: has to be None: such a file has its own.

    Raises:
        UsageError: it is neither, or weights are given too.
    """
    if weights is not None:
        raise UsageError(f"{path.name} has weights of its own", "leave --weights out")
    if path.suffix == PROGRAM:
        return of_program(path)
    try:
        network: nn.Module = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:  # a pickled checkpoint, or no file of PyTorch's
        said = f"{path.name} is no TorchScript: it holds weights, or a network that only its own code can read"
        raise UsageError(said, CODE_HINT) from error
    return network.eval(), None


def of_program(path: Path) -> tuple[nn.Module, Examples]:
    """The network of a traced program and its example inputs by name.

    Raises:
        UsageError: it is none, or its inputs are not tensors.
    """
    try:
        with safe_pickles():
            program = torch.export.load(path)
    except Exception as error:  # the loader raises anything
        raise UsageError(
            f"{path.name} is no program of torch.export that PyTorch {torch.__version__} reads: {described(error)}",
            CODE_HINT,
        ) from error
    given, named = program.example_inputs or ((), {})
    inputs = (*given, *named.values())
    if not inputs or not all(isinstance(one, torch.Tensor) for one in inputs):
        kinds = ", ".join(sorted({type(one).__name__ for one in inputs})) or "nothing"
        raise UsageError(f"the program of {path.name} takes {kinds}, and a network here takes tensors", CODE_HINT)
    network: nn.Module = program.module()
    names = (*input_names(network, len(given)), *named)
    return Named(network, names, len(given)) if named else network, dict(zip(names, inputs, strict=True))


@contextmanager
def safe_pickles() -> Iterator[None]:
    """Let no pickle run code meanwhile."""
    before = {name: os.environ.pop(name, None) for name in SAFE}
    os.environ[SAFE[0]] = "1"
    try:
        yield
    finally:
        os.environ.pop(SAFE[0])
        os.environ.update({name: value for name, value in before.items() if value is not None})
