"""``edgekit.export``: a network that lives in the caller's own process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..artifacts.own.make import make
from ..artifacts.own.network import OwnOptions, trace
from ..artifacts.own.program import exported
from ..artifacts.own.requests import OwnSource
from ..base.files import check_writable
from ..base.progress import silent
from ..base.scratch import scratch_folder
from ..errors import UsageError
from ..forms.profiles import choose_profiles
from ..types import Stored
from ..types.base import is_name

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn
    from torch.export import ExportedProgram


def export_module(
    network: nn.Module | ExportedProgram,
    examples: tuple[Tensor, ...],
    *,
    formats: Sequence[str],
    int8: bool,
    fp16: bool,
    calibration: str | Path | Iterable[Sequence[NDArray[Any]]] | None,
    name: str,
    out: Path,
    preprocessing: Mapping[str, Any],
) -> list[Stored]:
    """See :func:`edgekit.export`. The network is traced here; all that follows happens in child processes."""
    if not is_name(name):
        raise UsageError(f"name {name!r} cannot name a folder", "letters, digits, '.', '_' and '-'")
    profiles = [
        profile.model_copy(update={"form": "as-written"})
        for format_ in formats
        for profile in choose_profiles(format_, int8=int8, fp16=fp16)
    ]
    check_writable(out)
    with scratch_folder("export") as work:
        program = work / "given.pt2"
        keep(network, examples, program)
        given = None if calibration is None else source_of(calibration, work)
        options = OwnOptions(calibration=given, out=out, preprocessing=preprocessing)
        traced = trace(name, OwnSource(program=program), profiles, options, work, [name])
        return [make(traced, profile, silent) for profile in profiles]


def keep(network: nn.Module | ExportedProgram, examples: tuple[Tensor, ...], path: Path) -> None:
    """Trace a network in eval mode, its own mode left as it was, and keep the program.

    Raises:
        UsageError: it is none, has no example inputs, or cannot be traced.
    """
    import torch

    if isinstance(network, torch.export.ExportedProgram):
        torch.export.save(network, path)
        return
    if not isinstance(network, torch.nn.Module):
        raise UsageError(f"{type(network).__name__} is not a torch.nn.Module", "give the network, not its outputs")
    if not examples:
        raise UsageError("there are no example inputs", "give a tuple with a tensor for each input of forward()")
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        exported(network, examples, path)
    finally:
        for module in training:
            module.training = True


def source_of(calibration: str | Path | Iterable[Sequence[NDArray[Any]]], work: Path) -> str:
    """What is calibrated on, as a file or folder: tuples of arrays are written to one.

    Raises:
        UsageError: they are none, or not all alike.
    """
    if isinstance(calibration, str | Path):
        return str(calibration)
    rows = [[np.asarray(array) for array in row] for row in calibration]
    try:
        columns: Any = {str(place): np.stack(column) for place, column in enumerate(zip(*rows, strict=True))}
    except ValueError as error:
        raise UsageError(f"the calibration inputs are not all alike: {error}", "give tuples of equal arrays") from error
    if not columns:
        raise UsageError("there are no calibration inputs", "give at least one tuple of arrays")
    np.savez(work / "calibration.npz", **columns)
    return str(work / "calibration.npz")
