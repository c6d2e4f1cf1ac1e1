"""The layers of a network, named so that the same one can be pointed at in PyTorch and in every converted file."""

from __future__ import annotations

from .base import Frozen


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
