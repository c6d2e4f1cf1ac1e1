"""Outputs of a traced network that are one tensor, which the converters to TFLite and OpenVINO take once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from .job import AnyConverted, AnyJob


def with_each_once(job: AnyJob, convert: Callable[[AnyJob], AnyConverted]) -> AnyConverted:
    """Convert a program; where some of its outputs are one tensor, the file has it once, and a note says so.

    Args:
        job: of a program; that of an ONNX file is converted as it is.
        convert: the converter of a format.
    """
    if job.program is None:
        return convert(job)
    made = job.program.graph_signature.user_outputs
    first = [made.index(tensor) for tensor in made]
    kept = sorted(set(first))
    if len(kept) == len(made):
        return convert(job)
    once = replace(job, program=thinned(job, kept), outputs=tuple(job.outputs[place] for place in kept))
    result = convert(once)
    notes = [
        f"{job.outputs[place]} is the same tensor as {job.outputs[of]}: the file has it once, as {job.outputs[of]}"
        for place, of in enumerate(first)
        if place != of
    ]
    places = tuple(result.outputs[kept.index(of)] for of in first)
    return result.model_copy(update={"outputs": places, "notes": (*result.notes, *notes)})


def thinned(job: AnyJob, kept: list[int]) -> torch.export.ExportedProgram:
    """The job's program with these of its outputs alone."""
    assert job.program is not None
    inputs = tuple(torch.from_numpy(array[:1])[0] for array in job.sets)
    network = Thinned(job.program.module(), kept)
    return torch.export.export(network, inputs, strict=False)


class Thinned(torch.nn.Module):
    """A network with some of its outputs, in their order."""

    def __init__(self, network: torch.nn.Module, kept: list[int]) -> None:
        super().__init__()
        self.network, self.kept = network, kept

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The outputs that are kept, in a tuple."""
        leaves = torch.utils._pytree.tree_leaves(self.network(*inputs))  # noqa: SLF001 - as torch.export takes outputs apart
        return tuple(leaves[place] for place in self.kept)
