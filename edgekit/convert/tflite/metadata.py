"""TFLite Metadata: what the input is and how outputs are called, inside the file, where apps' libraries look for it.

The description is a flatbuffer of its own schema (``M001``) in a buffer that the model names; files such as the names
of the classes follow the model as a zip archive. Runtimes pass over both. Source: TensorFlow Lite Support's
``metadata_schema.fbs``, version 1.0.0, whose field numbers stand below.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from ...types import Preprocessing, TensorSpec
from ..job import Described
from .edit import edited

METADATA_KEY = "TFLITE_METADATA"
LABELS_FILE = "labels.txt"
IDENTIFIER, PARSER = b"M001", "1.0.0"
FEATURE, IMAGE, NORMALISATION, AXIS_LABELS = 1, 2, 1, 2
COLOURS = {"RGB": 1, "L": 2, "BGR": 0}
"""Red, green, blue; grey; the schema knows no other order."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The same files give the same bytes."""


def describe(asked: Described) -> None:
    """Write the description, and the classes' names, into the file."""
    content = metadata_of(asked)

    def add(tree: Any, schema: Any) -> None:
        buffer = schema.BufferT()
        buffer.data = list(content)
        entry = schema.MetadataT()
        entry.name, entry.buffer = METADATA_KEY.encode(), len(tree.buffers)
        tree.buffers.append(buffer)
        tree.metadata = [*(tree.metadata or []), entry]

    model = edited(asked.file.read_bytes(), add)
    asked.file.write_bytes(model + (labels_archive(asked.classes, len(model)) if asked.classes else b""))


def labels_archive(classes: Sequence[str], start: int) -> bytes:
    """A zip archive with the names, one a line, for the end of a file of ``start`` bytes."""
    stream = io.BytesIO()
    stream.seek(start)
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo(LABELS_FILE, LONG_AGO), "".join(f"{name}\n" for name in classes))
    return stream.getvalue()[start:]


def metadata_of(asked: Described) -> bytes:
    """The description, as a flatbuffer."""
    import flatbuffers

    tables = Tables(flatbuffers.Builder(1024))
    labels = asked.outputs[0].name if asked.classes else None
    subgraph = {
        2: tables.list_of([input_of(tables, spec) for spec in asked.inputs]),
        3: tables.list_of([output_of(tables, spec, spec.name == labels) for spec in asked.outputs]),
    }
    root = tables.table(
        {0: tables.text(asked.model), 3: tables.list_of([tables.table(subgraph)]), 7: tables.text(PARSER)}
    )
    tables.builder.Finish(root, IDENTIFIER)
    return bytes(tables.builder.Output())


def input_of(tables: Tables, spec: TensorSpec) -> int:
    """``TensorMetadata`` of an input."""
    how = spec.preprocessing
    if how is None:
        return tables.table({0: tables.text(spec.name), 3: content(tables, FEATURE, tables.table({}))})
    mean, std = ([0.0], [1.0]) if how.baked else ([255 * v for v in how.mean], [255 * v for v in how.std])
    options = tables.table({0: tables.floats(mean), 1: tables.floats(std)})
    unit = tables.table({1: options}, {0: NORMALISATION})
    rows, columns = how.size
    size = tables.table({}, {}, {0: columns, 1: rows})
    image = tables.table({1: size}, {0: COLOURS[how.channels]})
    return tables.table(
        {
            0: tables.text(spec.name),
            1: tables.text(in_words(how)),
            3: content(tables, IMAGE, image),
            4: tables.list_of([unit]),
        }
    )


def in_words(how: Preprocessing) -> str:
    """What the schema has no fields for."""
    rows, columns = how.size
    resize = f"the short side to {how.resize}" if isinstance(how.resize, int) else "to {} x {}".format(*how.resize)
    return f"{how.channels} photo, resized {resize} ({how.interpolation}), then its centre of {rows} x {columns}"


def output_of(tables: Tables, spec: TensorSpec, labelled: bool) -> int:
    """``TensorMetadata`` of an output."""
    fields = {0: tables.text(spec.name), 3: content(tables, FEATURE, tables.table({}))}
    if labelled:
        file = tables.table({0: tables.text(LABELS_FILE), 1: tables.text("names of the classes")}, {2: AXIS_LABELS})
        fields[6] = tables.list_of([file])
    return tables.table(fields)


def content(tables: Tables, kind: int, properties: int) -> int:
    """``Content`` of a kind."""
    return tables.table({1: properties}, {0: kind})


class Tables:
    """Tables of a flatbuffer by the numbers of their fields, without generated code."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def table(
        self, offsets: dict[int, int], small: dict[int, int] | None = None, numbers: dict[int, int] | None = None
    ) -> int:
        """A table: offsets of what was made before, bytes, and unsigned numbers of 32 bits."""
        small, numbers = small or {}, numbers or {}
        self.builder.StartObject(1 + max([*offsets, *small, *numbers], default=-1))
        for field, offset in offsets.items():
            self.builder.PrependUOffsetTRelativeSlot(field, offset, 0)
        for field, number in numbers.items():
            self.builder.PrependUint32Slot(field, number, 0)
        for field, number in small.items():
            self.builder.PrependUint8Slot(field, number, 0)
        return int(self.builder.EndObject())

    def text(self, value: str) -> int:
        """A string."""
        return int(self.builder.CreateString(value))

    def list_of(self, offsets: Sequence[int]) -> int:
        """A vector of tables."""
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def floats(self, values: Sequence[float]) -> int:
        """A vector of floats."""
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependFloat32(value)
        return int(self.builder.EndVector())
