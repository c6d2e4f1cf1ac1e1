"""docs/reference/schemas.md: the JSON Schemas, what each file is, and the fields at its top."""

from __future__ import annotations

from edgekit.reports.schema import KINDS, json_schema

from .text import page, table

INTRODUCTION = """JSON Schemas (draft 2020-12) of the files that edgekit writes and reads. `edgekit schema KIND`
prints the same. A file of an older version is read; a file of a newer version is refused, with the
version that it has."""


def schemas_page() -> str:
    """A row a kind."""
    rows = []
    for name, (type_, where) in KINDS.items():
        schema = json_schema(name)
        rows.append(
            (f"`{name}`", f"`{where}`", str(schema.get("$id", "")).rsplit(":", 1)[-1], type_.__name__,
             f"[{name}.schema.json](../schema/{name}.schema.json)")
        )  # fmt: skip
    return page(
        "JSON Schemas", INTRODUCTION, "```sh\nedgekit schema measurement\n```",
        table(("kind", "file", "version", "type", "schema"), rows),
    )  # fmt: skip
