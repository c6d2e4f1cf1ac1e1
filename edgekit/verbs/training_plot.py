"""``plot.svg`` of a training: loss, accuracy and surviving connections over the epochs."""

from __future__ import annotations

from collections.abc import Sequence

from ..reports.line_plot import Line, Panel, line_plot
from ..training.metrics import Epoch, Run


def training_plot(run: Run) -> str:
    """The plot of the epochs so far, an SVG file; the panel of connections only where the network condenses."""
    epochs = run.epochs
    panels = [
        Panel("training loss (cross entropy)", (Line("loss", tuple(e.loss for e in epochs)),)),
        Panel(
            "accuracy, %",
            (
                Line("test", tuple(e.test_accuracy for e in epochs)),
                Line("training", tuple(e.train_accuracy for e in epochs)),
            ),
        ),
    ]
    shares = survivor_shares(epochs)
    if shares:
        panels.append(Panel("surviving connections, %", (Line("all layers", shares),)))
    heading = f"{run.model} on {run.data}: test accuracy {epochs[-1].test_accuracy:.2f} % after epoch {len(epochs)}"
    return line_plot(heading, panels, run.recipe.epochs, "epoch", stage_starts(epochs))


def survivor_shares(epochs: Sequence[Epoch]) -> tuple[float, ...]:
    """Connections left after each epoch, percent of all; empty where nothing condenses."""
    left = [epoch.survivors for epoch in epochs]
    return tuple(100 * s.connections / s.total for s in left if s is not None)


def stage_starts(epochs: Sequence[Epoch]) -> list[tuple[int, str]]:
    """The epochs during which a stage began, with the stage in words."""
    found, before = [], 0
    for epoch in epochs:
        if epoch.survivors is not None and epoch.survivors.stage > before:
            before = epoch.survivors.stage
            found.append((epoch.number, f"stage {before}"))
    return found
