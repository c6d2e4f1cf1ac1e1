"""The verb ``history``: how the latency went, as series with change points, and as a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..base.files import write_atomic
from ..catalog import find_card
from ..errors import UsageError, did_you_mean
from ..reports.history.html import render_history
from ..reports.history.trend import Series, series_of
from ..reports.store import Damaged, read_history
from ..types import Measurement

PAGE = "history.html"


@dataclass(frozen=True)
class History:
    """The series, how many emulated measurements they leave out, and the files that could not be read."""

    series: list[Series]
    emulated: int
    damaged: list[Damaged]


def history(reports: Path, device: str | None = None, model: str | None = None) -> History:
    """Every measurement that the store keeps, of one device and model when given.

    Raises:
        UsageError: nothing has been measured, or nothing of that device or model.
    """
    found, damaged = read_history(reports)
    measurements = [one.measurement for one in found]
    if not measurements:
        if damaged:
            raise damaged[0].error
        raise UsageError(f"no measurements under {reports}", "measure something first: edgekit profile --device local")
    kept = chosen(measurements, device, model)
    return History(series_of(kept), sum(m.emulated for m in kept), damaged)


def chosen(measurements: list[Measurement], device: str | None, model: str | None) -> list[Measurement]:
    """The measurements of a device and a model (id or alias)."""
    devices, models = {m.device.id for m in measurements}, {m.model for m in measurements}
    if device is not None and device not in devices:
        raise UsageError(f"nothing was measured on {device!r}", did_you_mean(device, devices))
    if model is not None and model not in models:
        model = find_card(model).id
        if model not in models:
            raise UsageError(f"no measurement of {model!r}", did_you_mean(model, models))
    kept = [m for m in measurements if device in (None, m.device.id) and model in (None, m.model)]
    if not kept:
        raise UsageError(f"{model} was not measured on {device}", f"edgekit profile {model} --device {device}")
    return kept


def write_page(found: History, folder: Path) -> Path:
    """Write the page into ``folder`` and return its path.

    Raises:
        ToolError: jinja2 is missing, or the folder cannot be written.
    """
    path = folder / PAGE
    write_atomic(path, render_history(found.series, __version__))
    return path
