"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
CoresOption = Annotated[
    str | None, typer.Option("--cores", help="Keep the work on these cores: big, little, or numbers by commas (4,5).")
]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Threads within an operator.")]
ArtifactsOption = Annotated[Path, typer.Option("--artifacts", help="Folder of exported artifacts.")]
ReportsOption = Annotated[Path, typer.Option("--reports", help="Folder that keeps the measurements.")]
