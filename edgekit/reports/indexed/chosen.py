"""Which of the stored measurements are looked at: those of a device, of a network, or the ones to be shown in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ...catalog import find_card
from ...errors import UsageError, did_you_mean
from ..index import Found


def chosen(found: Sequence[Found], device: str | None, model: str | None) -> list[Found]:
    """Those of a device and a network (id or alias); None takes all.

    Raises:
        UsageError: there are none.
    """
    devices, models = {f.measurement.device.id for f in found}, {f.measurement.model for f in found}
    if device is not None and device not in devices:
        raise UsageError(f"nothing was measured on {device!r}", did_you_mean(device, devices))
    if model is not None and model not in models:
        model = find_card(model).id
        if model not in models:
            raise UsageError(f"no measurement of {model!r}", did_you_mean(model, models))
    kept = [f for f in found if device in (None, f.measurement.device.id) and model in (None, f.measurement.model)]
    if not kept:
        raise UsageError(f"{model} was not measured on {device}", f"edgekit profile {model} --device {device}")
    return kept


def in_order(found: Sequence[Found]) -> list[Found]:
    """As the report numbers them: real devices by name, then emulated ones; on each by rising median latency."""
    return sorted(
        found,
        key=lambda f: (f.measurement.emulated, f.measurement.device.id, f.measurement.p50_ms, f.measurement.key),
    )


def foremost(found: Sequence[Found]) -> list[Found]:
    """All of ``found``, in :func:`in_order`, so that the first few tell the most.

    The fastest of each network and precision on each device come first, then the second fastest of each, and so on.
    """
    places: dict[tuple[bool, str, str, str], int] = defaultdict(int)
    ranked = []
    for number, one in enumerate(found):
        m = one.measurement
        kind = (m.emulated, m.device.id, m.model, m.precision)
        ranked.append((m.emulated, places[kind], number))
        places[kind] += 1
    return [found[number] for *_, number in sorted(ranked)]
