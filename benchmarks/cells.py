"""What stands in the cells of the benchmark's Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence

from .figures import Ratio

NONE = "-"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def number(value: float | None, digits: int) -> str:
    """A number, or a dash."""
    return NONE if value is None else f"{value:.{digits}f}"


def scaled(value: float | None, factor: float) -> float | None:
    """A value times a factor, where there is one."""
    return None if value is None else value * factor


def percent(value: float | None) -> str:
    """A share in percent, or a dash."""
    return NONE if value is None else f"{value:.0%}"


def interval(value: Ratio | None) -> str:
    """Low to high."""
    return NONE if value is None else f"{value.low:.3f}-{value.high:.3f}"


def gain(value: Ratio | None) -> str:
    """A ratio with its interval, in one cell."""
    return NONE if value is None else f"{value.value:.2f} ({value.low:.2f}-{value.high:.2f})"
