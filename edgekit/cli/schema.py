"""``edgekit schema``: the JSON Schemas of the files that edgekit writes."""

from __future__ import annotations

from typing import Annotated

import typer


def schema_command(
    kind: Annotated[
        str, typer.Argument(help="measurement, artifact, device, model or profile.", show_default=True)
    ] = "measurement",
) -> None:
    """Print the JSON Schema of a stored measurement, an artifact's manifest, or another file, on stdout.

    Example: edgekit schema artifact
    """
    from ..errors import UsageError, did_you_mean
    from ..reports.schema import KINDS, json_schema
    from .show.console import emit_json

    if kind not in KINDS:
        raise UsageError(f"no schema of {kind!r}", did_you_mean(kind, KINDS))
    emit_json(json_schema(kind))
