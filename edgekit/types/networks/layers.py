"""The layers of a network, named so that the same one can be pointed at in PyTorch and in every converted file."""

from __future__ import annotations

from typing import Literal

from ..base import Frozen


class Layer(Frozen):
    """One computing node of a rewritten network.

    Attributes:
        name: of its module in the rewritten network: unique, without dots; converters keep it in node or tensor names.
        path: of the module that it comes from in the network as built (``features.3.conv.1.0``); an operation that has
            no module of its own is called by its module and its function (``features.3.add``).
        kinds: what it is, in words that ``@word`` selects by: ``depthwise-conv``, ``hard-swish``, …
        feeds: names of the layers that read its result.
    """

    name: str
    path: str
    kinds: tuple[str, ...]
    feeds: tuple[str, ...] = ()


class LayerError(Frozen):
    """How far one layer of an int8 artifact is from the float network, on the same images.

    Attributes:
        name, path, kinds, feeds: of the :class:`Layer`.
        macs: multiply-accumulates of an image; 0 for what is no convolution or linear layer.
        in_float: the profile keeps it in float.
        dtype: as what its result is stored; None where the file has no tensor for it.
        sqnr_db: of its result in the artifact: its own error and all that it inherits. None without a tensor.
        own_db: SQNR of the scores when it alone is quantized, simulated. None for an activation that is fused.
        note: where to look instead, when the file has no tensor for it.
        tensor: name of that tensor in the file; None without one, and in files from before it was kept.
    """

    name: str
    path: str
    kinds: tuple[str, ...]
    feeds: tuple[str, ...] = ()
    macs: int = 0
    in_float: bool = False
    dtype: str | None = None
    sqnr_db: float | None = None
    own_db: float | None = None
    note: str = ""
    tensor: str | None = None


class LayerErrors(Frozen):
    """The layers of an int8 artifact in the order in which they compute: the content of ``layers.json``.

    Attributes:
        images: how many of the parity images were looked at; ``own_images`` for ``own_db``.
        scores_db: SQNR of the artifact's scores on them.
        tapped_scores_db: the same for the run with the layers' outputs added, in which some values may round
            differently.
    """

    schema_version: Literal[1] = 1
    model: str
    profile: str
    images: int
    own_images: int
    scores_db: float
    tapped_scores_db: float
    layers: tuple[LayerError, ...]
