"""What goes to the child processes that run a user's own network, and what comes back."""

from __future__ import annotations

from pathlib import Path

from ...types import ExportProfile, Frozen, ParityTolerance, Rewrite, TargetClass


class OwnSource(Frozen):
    """A user's code that builds a network.

    Attributes:
        place: a ``.py`` file or a dotted module name; empty for a program that was traced already.
        factory: the function that builds it.
        folder: where ``place`` is looked for.
        program: the traced program, in place of code.
    """

    place: str = ""
    factory: str = ""
    folder: Path = Path()
    program: Path | None = None


class Sized(Frozen):
    """Shape and type of an input, by the name that the user gave it; empty for the only one.

    Attributes:
        codes: of integers wider than 8 bits, how many values they may have, from 0, by the largest in the example: ids
            of tokens. Two where no example says more.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    codes: int = 2


class TraceRequest(Frozen):
    """A network to build, run and trace.

    Attributes:
        weights: checkpoint; None for what the code itself gives the network.
        asked: inputs that the command line gives; none for those of the code's ``example_inputs``.
        rewrites: lists of rewrites to make a program with each.
        folder: takes ``program-N.pt2`` for each of them.
    """

    source: OwnSource
    weights: Path | None
    asked: tuple[Sized, ...]
    rewrites: tuple[tuple[str, ...], ...]
    folder: Path


class Program(Frozen):
    """A traced network with its rewrites; ``note`` says why there are none."""

    path: Path
    rewrites: tuple[Rewrite, ...]
    note: str = ""


class Traced(Frozen):
    """What is known of a network that was traced.

    Attributes:
        outputs: names, in order.
        state_sha256: digest of its weights.
    """

    inputs: tuple[Sized, ...]
    outputs: tuple[Sized, ...]
    programs: tuple[Program, ...]
    params: int
    state_sha256: str


class FactsRequest(Frozen):
    """A network to build and run once, to see what its operations move; ``asked`` as in :class:`TraceRequest`."""

    source: OwnSource
    asked: tuple[Sized, ...]


class ReferenceRequest(Frozen):
    """A program to run on sets of inputs, ``.npz`` by place; its outputs go to ``outputs`` likewise."""

    program: Path
    sets: Path
    outputs: Path


class ReferenceMade(Frozen):
    """How many sets a program ran on."""

    count: int


class OwnConvertRequest(Frozen):
    """A program or an ONNX file to convert into ``folder``; ``sets`` are the calibration inputs, ``.npz`` by place.

    Attributes:
        bounds: of an int8 file's outputs; operators go to float where it misses them, unless ``strict_int8``.
    """

    program: Path | None
    file: Path | None
    profile: ExportProfile
    target: TargetClass
    sets: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    folder: Path
    bounds: ParityTolerance
    strict_int8: bool
