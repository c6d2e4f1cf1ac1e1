"""A user's own network, traced once in a child process, with its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...base.processes.isolate import run_isolated
from ...errors import ToolError
from ...types import ExportProfile, ImageSet, Preprocessing, Stored
from ...verify.sets_of_inputs import Arrays, save_arrays
from ..children import own_jobs
from ..children.imports import PROGRAM
from ..store import file_of
from .inputs import load_inputs, spec_of_sized
from .requests import OwnSource, Program, Sized, Traced, TraceRequest

SETS = "sets.npz"


@dataclass(frozen=True)
class OwnOptions:
    """What is asked for, apart from network and profiles.

    Attributes:
        weights: checkpoint; None for what the code gives the network.
        inputs: shapes and types; none for those of the code's ``example_inputs``.
        calibration: ``.npz`` of inputs or a folder of images; random inputs when None.
        preprocessing: of images: mean, std, resize and so on, where the user says them.
        out: artifacts go to ``out/<name>/<profile>/``.
        timeout_s: limit of each step.
        min_sqnr_db: that each output of an int8 artifact has to reach; None for the profile's bound.
        strict_int8: keep nothing in float where int8 alone is not near enough.
    """

    weights: Path | None = None
    inputs: tuple[Sized, ...] = ()
    calibration: str | None = None
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    out: Path = Path("artifacts")
    timeout_s: float = 900.0
    min_sqnr_db: float | None = None
    strict_int8: bool = False


@dataclass(frozen=True)
class OwnNetwork:
    """A network that was traced, with the inputs that it is calibrated and verified on.

    Attributes:
        name: of its artifacts' folder.
        programs: by the rewrites that were asked for.
        sets: inputs, one array for each, with the sets as a dimension in front.
        source: what they are.
        made: how images became them; None where no images did.
        words: the command line's, for the manifest.
        file: the ONNX file that is the network, in place of programs.
    """

    name: str
    traced: Traced
    programs: Mapping[tuple[str, ...], Program]
    sets: Arrays
    source: ImageSet
    made: Preprocessing | None
    options: OwnOptions
    words: tuple[str, ...]
    work: Path
    file: Stored | None = None

    def program(self, rewrites: tuple[str, ...] = ()) -> Program:
        """The program with these rewrites, or the file, which has none."""
        if self.file is not None:
            return Program(path=file_of(self.file.folder, self.file.artifact.model_file), rewrites=())
        return self.programs[rewrites]


def trace(
    name: str,
    source: OwnSource,
    profiles: Sequence[ExportProfile],
    options: OwnOptions,
    work: Path,
    words: Sequence[str],
) -> OwnNetwork:
    """Run the user's code in a child process: build the network and trace it; and load the inputs.

    Raises:
        UsageError: the code fails, the weights or inputs do not fit, or the network cannot be traced.
        ToolError: PyTorch is not installed, or the child crashed.
    """
    wanted = tuple(dict.fromkeys([(), *(profile.rewrites for profile in profiles)]))
    request = TraceRequest(
        source=source,
        weights=None if options.weights is None else options.weights.absolute(),
        asked=options.inputs,
        rewrites=wanted,
        folder=work,
    )
    try:
        traced = run_isolated(own_jobs.trace, request, options.timeout_s, f"tracing {name}", imports=PROGRAM)
    except ToolError as error:
        error.hint = error.hint or "its code may have ended the process: run it with python alone to see"
        raise
    specs = tuple(spec_of_sized(one) for one in traced.inputs)
    sets, found, made = load_inputs(
        options.calibration, specs, options.preprocessing, {one.name: one.codes for one in traced.inputs}
    )
    save_arrays(work / SETS, sets)
    programs = dict(zip(wanted, traced.programs, strict=True))
    return OwnNetwork(name, traced, programs, sets, found, made, options, tuple(words), work)
