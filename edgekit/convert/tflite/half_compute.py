"""Let a float TFLite file be computed in float16 where the CPU can: twelve bytes of metadata.

XNNPACK computes a float file whose metadata has ``reduced_precision_support`` = ``fp16accfp16`` in float16, sums
included, on CPUs that multiply float16 themselves (ARMv8.2 and later); on all others in float32, as without it. The key
is that of LiteRT's XNNPACK delegate. The other value, ``fp16accfp32``, changes nothing on any core that was counted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...types import HALF_COMPUTE_KEY, HALF_COMPUTE_VALUE
from .edit import edited


def allow_half_compute(path: Path) -> None:
    """Add the metadata, in place."""

    def add(tree: Any, schema: Any) -> None:
        buffer = schema.BufferT()
        buffer.data = list(HALF_COMPUTE_VALUE.encode())
        entry = schema.MetadataT()
        entry.name, entry.buffer = HALF_COMPUTE_KEY.encode(), len(tree.buffers)
        tree.buffers.append(buffer)
        tree.metadata = [*(tree.metadata or []), entry]

    path.write_bytes(edited(path.read_bytes(), add))
