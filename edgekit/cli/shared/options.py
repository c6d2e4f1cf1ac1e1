"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
CoresOption = Annotated[
    str | None, typer.Option("--cores", help="Pin the process to these cores: big, little, or numbers such as 4,5.")
]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Threads within an operator.")]
ArtifactsOption = Annotated[Path, typer.Option("--artifacts", help="Folder of exported artifacts.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Measure on a device that failed its last check (quarantined), too.")
]
ReportsOption = Annotated[Path, typer.Option("--reports", help="Folder of measurements.")]
