"""Events of a long work beside a bar, in one line that changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...artifacts.tasks import Done, Outcome
from ...base.progress import Event, Progress, Warned
from .export_table import summary_line


@contextmanager
def live_line(total: int) -> Iterator[tuple[Progress, Done]]:
    """For ``total`` outcomes: the last event beside a bar, and a line for each outcome and warning above it."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from .screen import on_stderr

    console = on_stderr(width=None)
    text = TextColumn("{task.description}", markup=False)
    left = TextColumn("left")
    columns = (BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), left, text)
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)

        def show(event: Event) -> None:
            if isinstance(event, Warned):
                console.print(str(event), highlight=False)
            else:
                bar.update(task, description=str(event))

        def done(outcome: Outcome) -> None:
            console.print(summary_line(outcome), highlight=False)
            bar.advance(task)

        yield show, done
