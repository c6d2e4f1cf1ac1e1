"""A training's checkpoint in half its size: weights in float16, what edgekit needs to read them, nothing to resume.

``python -m benchmarks.accuracy.small_checkpoint runs/NAME/checkpoint.pt NAME.pt``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from edgekit.training.checkpoint import save_tensors
from edgekit.types.models import PREPROCESSING_RECORD

KEPT = ("edgekit", PREPROCESSING_RECORD)
LARGEST = 65504.0
"""Of float16."""


def shrink(source: Path, final: Path) -> None:
    """Write the small checkpoint; running statistics and weights are rounded, counters stay whole.

    Raises:
        ValueError: a value does not fit into float16.
    """
    import torch

    content = torch.load(source, map_location="cpu", weights_only=True)
    state = {}
    for name, value in content["state_dict"].items():
        if not value.is_floating_point():
            state[name] = value.clone()
            continue
        if value.abs().max() > LARGEST:
            raise ValueError(f"{name} reaches {value.abs().max():g}, beyond float16")
        state[name] = value.half()
    save_tensors(final, {"state_dict": state, **{key: content[key] for key in KEPT}})


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("final", type=Path)
    asked = parser.parse_args(arguments)
    shrink(asked.source, asked.final)
    sys.stderr.write(f"{asked.final}: {asked.final.stat().st_size / 1e3:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
