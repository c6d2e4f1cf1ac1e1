"""A network that a card or an option makes far larger than a light one is refused while it is built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch.nn.modules.module import register_module_parameter_registration_hook

from ..errors import UsageError

if TYPE_CHECKING:
    from torch import nn

MOST_ELEMENTS = 300_000_000
"""1.2 GB of float32, and some copies of it while it is exported; a head of 200,000 classes has 256,000,000."""
MOST_TENSORS = 50_000
REMEDY = "correct num_classes (--num-classes) or [architecture]: edgekit is for networks of some million parameters"


@contextmanager
def limited(name: str) -> Iterator[None]:
    """A block in which no more than so many parameters are made; each counts before its values are written.

    Args:
        name: of the network, for the error.

    Raises:
        UsageError: there would be more, or a single layer does not fit into the memory.
    """
    elements = tensors = 0

    def count(_module: nn.Module, _name: str, made: nn.Parameter) -> None:
        nonlocal elements, tensors
        elements, tensors = elements + made.numel(), tensors + 1
        if elements > MOST_ELEMENTS or tensors > MOST_TENSORS:
            raise UsageError(
                f"{name} would have more than {MOST_ELEMENTS:,} parameters, or {MOST_TENSORS:,} tensors of them", REMEDY
            )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    except RuntimeError as error:
        if "DefaultCPUAllocator" not in str(error):
            raise
        raise UsageError(f"{name} has a layer that does not fit into the memory: {error}", REMEDY) from error
    finally:
        hook.remove()
