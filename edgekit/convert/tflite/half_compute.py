"""Let a float TFLite file be computed in float16 where the CPU can: twelve bytes of metadata.

XNNPACK computes a float file whose metadata has ``reduced_precision_support`` = ``fp16accfp16`` in float16, sums
included, on CPUs that multiply float16 themselves (ARMv8.2 and later); on all others in float32, as without it. The key
is that of LiteRT's XNNPACK delegate. The other value, ``fp16accfp32``, changes nothing on any core that was counted.
"""

from __future__ import annotations

from pathlib import Path

from ...types import HALF_COMPUTE_KEY, HALF_COMPUTE_VALUE
from .graph import packed_buffer
from .io import bring_inside


def allow_half_compute(path: Path) -> None:
    """Add the metadata, in place."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = path.read_bytes()
    tree = schema.ModelT.InitFromPackedBuf(model, 0)
    bring_inside(tree, model)
    buffer = schema.BufferT()
    buffer.data = list(HALF_COMPUTE_VALUE.encode())
    entry = schema.MetadataT()
    entry.name, entry.buffer = HALF_COMPUTE_KEY.encode(), len(tree.buffers)
    tree.buffers.append(buffer)
    tree.metadata = [*(tree.metadata or []), entry]
    for each in tree.buffers:
        if each.data is not None:
            content = bytes(bytearray(each.data))
            each.Pack = lambda builder, content=content: packed_buffer(content, builder, schema)
    builder = flatbuffers.Builder(len(model) + 4096)
    builder.Finish(tree.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
