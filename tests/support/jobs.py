"""Conversions of small networks."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from edgekit.convert.any.job import AnyJob, Nearness
from edgekit.forms.profiles import choose_profiles
from edgekit.types import Format


def job_of(network: nn.Module, *inputs: torch.Tensor, format_: Format = "tflite", folder: Path = Path()) -> AnyJob:
    """A float conversion of a network with one set of inputs; outputs are ``output``, ``output_1`` ..."""
    (profile,) = choose_profiles(format_)
    program = torch.export.export(network.eval(), inputs, strict=False)
    return AnyJob(
        program=program,
        file=None,
        profile=profile,
        target="x86-vnni",
        sets=[one.numpy()[None] for one in inputs],
        inputs=tuple(f"input_{place}" for place in range(len(inputs))),
        outputs=tuple(f"output_{place}" for place in range(len(program.graph_signature.user_outputs))),
        folder=folder,
        judge=lambda *_: Nearness(0.0, 0.0, ()),
    )
