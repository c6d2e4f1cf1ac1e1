"""Faults that are put into artifacts on purpose, and whether the gate by counts finds them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgekit.artifacts.prepare import ExportOptions, Prepared, prepare
from edgekit.base.processes.warm import warm
from edgekit.catalog import find_card
from edgekit.counting.count import count
from edgekit.counting.emulator import Ready
from edgekit.errors import ToolError
from edgekit.gate.counts import TOLERANCE, judge
from edgekit.reports.counted.words import grown
from edgekit.types import Counted, ExportProfile, Stored, TargetClass
from edgekit.zoo.preprocessing import settled

from .form_builds import base_profile, form_artifact
from .split_group import with_split_group
from .transpose import with_transpose

FINE = 1e-4
"""The tolerance that finds a small transpose."""
SWISH, GROUPED = "mobilenet_v3_large_1.0", "shufflenet_v1_g3_1.0"
LOWERED = ("absorb_hard_swish_sixth", "split_hard_swish")
"""Passes without which hard-swish stays an operator, which XNNPACK does not take in int8."""
FLOAT_LAYER = "features.9.block.0.0"
"""A 1x1 convolution in the middle of ``SWISH``: 1.3 % of its multiply-accumulates."""


def found(name: str, before: Counted, after: Counted) -> dict[str, Any]:
    """How the gate ends with a fault, at the usual tolerance and at the fine one, and what it names."""
    row = {
        "fault": name,
        "model": before.model,
        "profile": before.profile,
        "device": before.device.id,
        "instructions": after.counts.instructions / before.counts.instructions - 1,
        "cycles": after.estimate.cycles / before.estimate.cycles - 1,
        "usual": judge(before, after, TOLERANCE).status,
        "fine": judge(before, after, FINE).status,
        "named": grown(before, after)[:3],
    }
    sys.stderr.write(f"{name}: {row['instructions']:+.3%}, {row['usual']}, {row['fine']}\n")
    return row


def all_faults(ready: Ready, target: TargetClass, cache: Path, scratch: Path) -> Iterator[dict[str, Any]]:
    """Every fault, one after the other. The good artifact is counted once, the bad one twice, as the gate does it.

    Args:
        ready: the board.
        target: its class of CPU.
        cache: of artifacts.
        scratch: for those that are changed here.

    Raises:
        ToolError: an artifact could not be made.
    """
    profile = base_profile("tflite", "int8", target)
    assert profile.quantization is not None
    kept = tuple(name for name in profile.rewrites if name not in LOWERED)
    swish = profile.model_copy(update={"form": "hard-swish-kept", "rewrites": kept})
    quantization = profile.quantization.model_copy(update={"keep_float": (FLOAT_LAYER,)})
    floating = profile.model_copy(update={"form": "a-layer-in-float", "quantization": quantization})
    with warm():
        grouped = artifact(network(GROUPED, scratch), profile, target, cache)
        before = count(grouped, ready, repeat=False)
        yield found("a convolution of three groups split", before, count(with_split_group(grouped, scratch), ready))
        prepared = network(SWISH, scratch)
        good = artifact(prepared, profile, target, cache)
        before = count(good, ready, repeat=False)
        for name, other in (("hard-swish left as operators", swish), (f"{FLOAT_LAYER} left in float", floating)):
            yield found(name, before, count(artifact(prepared, other, target, cache), ready))
        turned = count(with_transpose(good, scratch), ready)
        yield found("a transpose and its inverse before the classifier", before, turned)
        yield found("XNNPACK off", before, count(good, ready, no_delegate=True))


def network(model: str, scratch: Path) -> Prepared:
    """A network of random weights, ready to be exported."""
    card = settled(find_card(model), None, ExportOptions().input)
    folder = scratch / card.id
    folder.mkdir()
    return prepare(card, None, ExportOptions(), folder)


def artifact(prepared: Prepared, profile: ExportProfile, target: TargetClass, cache: Path) -> Stored:
    """The artifact of a profile.

    Raises:
        ToolError: it was refused.
    """
    made = form_artifact(prepared, profile, target, cache)
    if made.stored is None:
        raise ToolError(f"{prepared.card.id} {profile.form} was refused: {made.reason}")
    return made.stored
