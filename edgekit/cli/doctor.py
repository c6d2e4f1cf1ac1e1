"""``edgekit doctor``: its options, and what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .shared.options import JsonOption

if TYPE_CHECKING:
    from ..verbs.doctor import Diagnosis
    from .show.screen import Screen

STYLE = {"ok": "green", "broken": "bold red", "not installed": "yellow"}


def doctor_command(
    as_json: JsonOption = False,
) -> None:
    """Show what is installed, and find out by trying which formats convert and which runtimes run on this machine.

    The exit code is 3 when something installed does not work; an extra that is not installed is no failure.

    Example: edgekit doctor --json
    """
    from ..verbs.doctor import diagnose
    from .show.console import emit_json
    from .show.progress import ProgressLines
    from .show.screen import on_stderr

    found = diagnose(progress=ProgressLines())
    if as_json:
        emit_json(found.model_dump(mode="json"))
    else:
        show(found, on_stderr(width=None))
    found.raise_failures()


def show(found: Diagnosis, console: Screen) -> None:
    """Packages, the machine, then each check with its remedy."""
    from rich.table import Table
    from rich.text import Text

    from ..verbs.doctor import LOW_DISK_BYTES

    console.print(f"edgekit {found.edgekit}, Python {found.python}, {found.system}", highlight=False)
    features = ", ".join(found.features) or "none known"
    console.print(f"CPU: target class {found.target or 'unknown'}; {features}", highlight=False)
    for where, count in found.free_bytes.items():
        low = f" (low: keep {LOW_DISK_BYTES / 1e9:g} GB free for conversions)" if count < LOW_DISK_BYTES else ""
        console.print(f"free disk, {where}: {count / 1e9:.1f} GB{low}", highlight=False)
    for extra, group in found.packages.items():
        listed = ", ".join(f"{p.name} {p.version or '(not installed)'}" for p in group)
        console.print(Text(f"{extra}: ", style="bold") + Text(listed, style="default"))
    table = Table(header_style="bold", box=None, pad_edge=False)
    for name in ("check", "status", "finding"):
        table.add_column(name, overflow="fold")
    table.add_column("s", justify="right")
    for check in found.checks:
        detail = f"{check.detail}\ntry: {check.remedy}" if check.remedy else check.detail
        table.add_row(check.name, Text(check.status, style=STYLE[check.status]), Text(detail), f"{check.seconds:.1f}")
    console.print(table)
