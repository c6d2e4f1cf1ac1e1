"""A user's own network: built by code, read from an ONNX file, or given as a module in the caller's process."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..artifacts.foreign import model_name
from ..artifacts.own.make import make
from ..artifacts.own.network import OwnNetwork, OwnOptions, trace
from ..artifacts.own.onnx_file import from_onnx
from ..artifacts.own.requests import OwnSource
from ..artifacts.tasks import Outcome
from ..base.files import check_writable
from ..base.processes.warm import lingering, warm
from ..base.progress import JobEnded, Progress, Step, Warned, silent
from ..base.scratch import scratch_folder
from ..errors import EdgekitError, UsageError, VerificationError
from ..forms.own import own_form
from ..forms.profiles import choose_profiles
from ..types import ExportProfile, Stored
from ..types.base import is_name
from ..types.commands import CODE, PROGRAMS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn
    from torch.export import ExportedProgram

BUILD = "build"


def source_of(name: str) -> tuple[str, OwnSource]:
    """The name of a network's artifacts, and the code that builds it.

    Raises:
        UsageError: there is no such file.
    """
    found = CODE.fullmatch(name)
    assert found is not None
    place, factory = found["place"], found["factory"] or BUILD
    file = place.endswith((".py", *PROGRAMS))
    if file and not Path(place).is_file():
        raise UsageError(f"no such file: {place}", "name a .py file, or package.module:factory")
    stem = Path(place).stem if file else place.rpartition(".")[2]
    title = stem if factory == BUILD else f"{stem}_{factory}"
    return model_name(Path(title)), OwnSource(place=place, factory=factory, folder=Path.cwd())


def export_own(
    name: str, profiles: Sequence[ExportProfile], options: OwnOptions, words: Sequence[str], progress: Progress
) -> list[Outcome]:
    """Trace a network once and make an artifact with every profile; one failure stops nothing else.

    Args:
        name: ``net.py``, ``net.py:factory``, ``package.module:factory`` or ``model.onnx``.
        profiles: the ways to make an artifact; their own rewrites apply, where they can.
        options: weights, inputs, where to.
        words: of the command line; the manifests repeat them.
        progress: receives an event as each step begins and ends.

    Raises:
        UsageError: the code fails, the weights or inputs do not fit, or the network cannot be traced.
        ToolError: PyTorch is not installed, or ``options.out`` cannot be written.
    """
    formed = [own_form(profile) for profile in profiles]
    with opened(name, formed, options, words, progress) as network:
        return all_made(network, formed, progress)


def check_source(name: str) -> None:
    """Make sure that a network's file is there.

    Raises:
        UsageError: it is not.
    """
    if not name.lower().endswith(".onnx"):
        source_of(name)
    elif not Path(name).is_file():
        raise UsageError(f"no such file: {name}", "name an .onnx file")


@contextmanager
def opened(
    name: str, profiles: Sequence[ExportProfile], options: OwnOptions, words: Sequence[str], progress: Progress
) -> Iterator[OwnNetwork]:
    """The network that ``name`` names, traced with the rewrites of every profile, until the block ends.

    Raises:
        UsageError, ToolError: as :func:`export_own`.
    """
    check_source(name)
    check_writable(options.out, "--out")
    with scratch_folder("export") as work, warm():
        if name.lower().endswith(".onnx"):
            progress(Step("looking into the file", (Path(name).name,)))
            yield from_onnx(Path(name), options, work, words)
            return
        title, source = source_of(name)
        progress(Warned(f"running the code of {name}, in a process of its own", (title,)))
        progress(Step("tracing the network", (title,)))
        yield trace(title, source, profiles, options, work, words)


def all_made(network: OwnNetwork, profiles: Sequence[ExportProfile], progress: Progress) -> list[Outcome]:
    """Make one artifact after the other; report each as it ends."""
    outcomes: list[Outcome] = []
    for profile in profiles:
        outcome = made(network, profile, progress)
        outcomes.append(outcome)
        about, total = (f"{network.name} {profile.name}",), len(profiles)
        progress(JobEnded(f"{outcome.status}, {outcome.seconds:.1f} s", about, len(outcomes), total))
    return outcomes


def made(network: OwnNetwork, profile: ExportProfile, progress: Progress) -> Outcome:
    """Make one artifact; a failure becomes the outcome and leaves nothing behind."""
    start = time.monotonic()
    outcome = Outcome(network.name, profile.name, "failed to convert", 0.0)
    try:
        stored = make(network, profile, progress)
    except VerificationError as error:
        outcome = replace(outcome, status="failed to verify", error=error)
    except EdgekitError as error:
        outcome = replace(outcome, error=error)
    else:
        outcome = replace(outcome, status="converted", folder=stored.folder, artifact=stored.artifact)
    return replace(outcome, seconds=time.monotonic() - start)


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
    """See :func:`edgekit.export`. The network is traced in this process; the rest happens in child processes."""
    if not is_name(name):
        raise UsageError(f"name {name!r} cannot name a folder", "letters, digits, '.', '_' and '-'")
    profiles = [own_form(profile) for format_ in formats for profile in choose_profiles(format_, int8=int8, fp16=fp16)]
    check_writable(out, "--out")
    with scratch_folder("export") as work, lingering():  # a program often exports again: the other precision
        program = work / "given.pt2"
        keep(network, examples, program)
        given = None if calibration is None else inputs_file(calibration, work)
        options = OwnOptions(calibration=given, out=out, preprocessing=preprocessing)
        traced = trace(name, OwnSource(program=program), profiles, options, work, [name])
        return [make(traced, profile, silent) for profile in profiles]


def keep(network: nn.Module | ExportedProgram, examples: tuple[Tensor, ...], path: Path) -> None:
    """Trace a network in eval mode, restore its own mode, and save the program.

    Raises:
        UsageError: it is none, has no example inputs, or cannot be traced.
    """
    import torch

    # These import PyTorch, which nothing else in this process takes.
    from ..artifacts.own.flat import flattened
    from ..artifacts.own.program import exported
    from ..artifacts.own.source import bare

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
        exported(flattened(bare(network), examples), examples, path)
    finally:
        for module in training:
            module.training = True


def inputs_file(calibration: str | Path | Iterable[Sequence[NDArray[Any]]], work: Path) -> str:
    """The calibration inputs as a file or folder; tuples of arrays are written to a file.

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
