"""Names of a TFLite file's inputs and outputs that a person would choose: ``input``, ``logits``, not ``args_0;0``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .edit import edited


def name_ends(path: Path, inputs: Sequence[str], outputs: Sequence[str]) -> dict[str, str]:
    """Name the inputs and outputs, tensors and signature alike, in place.

    Args:
        path: the file.
        inputs: names, in the file's own order.
        outputs: the same of them.

    Returns:
        The new name of every tensor that had another one.
    """
    changed: dict[str, str] = {}

    def change(tree: Any, schema: Any) -> None:
        graph = tree.subgraphs[0]
        for places, names, end in ((graph.inputs, inputs, "inputs"), (graph.outputs, outputs, "outputs")):
            named = dict(zip(map(int, places), names, strict=True))
            for index, name in named.items():
                changed[graph.tensors[index].name.decode()] = name
                graph.tensors[index].name = name.encode()
            for signature in tree.signatureDefs or []:
                # Made anew: the quantizer may leave the tensors of before in it.
                setattr(signature, end, [entry(name, index, schema) for index, name in named.items()])

    path.write_bytes(edited(path.read_bytes(), change))
    return changed


def entry(name: str, index: int, schema: Any) -> Any:
    """A name of a signature for a tensor."""
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name.encode(), index
    return made
