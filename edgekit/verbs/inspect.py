"""The verb ``inspect``: what a model file holds, and what its runtime makes of it on this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..artifacts.children import foreign_jobs
from ..artifacts.children.imports import examination
from ..artifacts.find import check_shapes, find_one
from ..artifacts.layer_errors import read_layer_errors
from ..artifacts.requests import NodesRequest
from ..artifacts.store import check_files, file_of
from ..base.processes.isolate import run_isolated
from ..bench.launch import ThisMachine, ask_agent
from ..bench.session import Session
from ..devices.inventory import find_device
from ..reports.inspected.node_data import FileNode
from ..types import LayerErrors, Stored
from ..types.answers import InspectAnswer, PerOpAnswer
from ..verify.sets_of_inputs import Shapes

TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Operators:
    """Executed operators of one type that read and write the same types of data.

    Attributes:
        reads, writes: type of the first tensor, such as ``int8``; empty where there is none.
        delegated: how many of them the delegate takes; None where the runtime has no delegate.
    """

    type: str
    reads: str
    writes: str
    count: int
    delegated: int | None


@dataclass(frozen=True)
class Inspected:
    """An artifact, and its operators as executed, the most frequent first.

    Attributes:
        nodes: the operators of the file itself, in order; none where the package that reads the format is missing.
    """

    stored: Stored
    operators: tuple[Operators, ...]
    nodes: tuple[FileNode, ...] = ()


def inspect(name: str, artifacts_root: Path = Path("artifacts"), shapes: Shapes | None = None) -> Inspected:
    """Look into one model file, or artifact of edgekit.

    Args:
        name: an artifact folder, a model file or a model id with one artifact.
        artifacts_root: holds ``<model>/<profile>/manifest.json``.
        shapes: of inputs that the file leaves open.

    Raises:
        UsageError: the name means nothing or several things, the file is none that its runtime opens, or a shape fits
            no input.
        ToolError: its runtime is not installed, or fails.
    """
    stored = find_one(name, artifacts_root, shapes)
    check_shapes(shapes or {}, [stored])
    check_files(stored)
    artifact = stored.artifact
    facts = ask_agent(
        InspectAnswer,
        ThisMachine(),
        {
            "runtime": artifact.runtime,
            "model": str(file_of(stored.folder, artifact.model_file).resolve()),
            "threads": 1,
            "shapes": artifact.input_shapes,
        },
        {},
        TIMEOUT_S,
        f"looking into {artifact.model} {artifact.profile}",
    )
    keys = [(n.type, first(n.inputs), first(n.outputs)) for n in facts.executed]
    taken = Counter(key for key, n in zip(keys, facts.executed, strict=True) if n.delegated)
    has_delegate = facts.delegate is not None
    rows = (Operators(*key, count, taken[key] if has_delegate else None) for key, count in Counter(keys).most_common())
    request = NodesRequest(
        facts=facts,
        model_file=file_of(stored.folder, artifact.model_file).resolve(),
        format=artifact.format,
        shapes={spec.name: spec.shape for spec in artifact.inputs},
    )
    what, imports = f"reading {artifact.model} {artifact.profile}", examination(artifact.format)
    read = run_isolated(foreign_jobs.nodes, request, TIMEOUT_S, what, imports=imports)
    return Inspected(stored, tuple(rows), tuple(FileNode(one.name, one.outputs) for one in read.nodes))


def timed(stored: Stored) -> PerOpAnswer:
    """The typical time of each operator on this machine, one thread, in order of execution; or why there is none.

    Raises:
        ToolError: the runtime fails.
    """
    return Session(ThisMachine(), find_device("local")).launch(PerOpAnswer, stored)


def layers_of(stored: Stored) -> LayerErrors | None:
    """The errors of its layers, where they were measured.

    Raises:
        UsageError: they cannot be read.
    """
    return read_layer_errors(stored.folder)


def first(kinds: Sequence[str]) -> str:
    """The first of several types of data."""
    return kinds[0] if kinds else ""
