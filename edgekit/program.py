"""The ``edgekit`` program. It heeds signals before it imports anything that takes time."""

from __future__ import annotations

from .base.processes.first import leave_at_once


def main() -> None:
    """Run the command line."""
    leave_at_once()
    from .base.processes.signals import at_the_end
    from .cli import main as run  # takes a third of a second

    try:
        run()
    finally:
        at_the_end()
