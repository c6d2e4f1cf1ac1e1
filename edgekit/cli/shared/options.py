"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .complete import device_names, model_ids
from .limits import LARGEST, MOST_THREADS

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
CoresOption = Annotated[
    str | None, typer.Option("--cores", help="Pin the process to these cores: big, little, or numbers such as 4,5.")
]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, max=MOST_THREADS, help="Threads within an operator.")]
ArtifactsOption = Annotated[Path, typer.Option("--artifacts", help="Folder of exported artifacts.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Measure even on a device that failed its last check (quarantined).")
]
OnlyDevice = Annotated[
    str | None, typer.Option("--device", "-d", help="Only measurements on this device.", autocompletion=device_names)
]
OnlyModel = Annotated[
    str | None, typer.Option("--model", "-m", help="Only measurements of this network.", autocompletion=model_ids)
]
MaxLatency = Annotated[
    float | None, typer.Option("--max-latency-ms", min=0, max=LARGEST, help="Largest median latency, in ms.")
]
MaxSize = Annotated[
    float | None, typer.Option("--max-size-mb", min=0, max=LARGEST, help="Largest size of an artifact, in decimal MB.")
]
MinAccuracy = Annotated[
    float | None, typer.Option("--min-accuracy", min=0, max=100, help="Smallest published top-1, in percent.")
]
ReportsOption = Annotated[Path, typer.Option("--reports", help="Folder of measurements.")]
