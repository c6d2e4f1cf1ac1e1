"""The table of ``edgekit export --layer-errors``."""

from __future__ import annotations

from collections.abc import Sequence

from ...types import LayerError, LayerErrors

LISTED = 20
DISTURBED_DB = 1.5
"""When the scores are so much better or worse with the outputs added to see the layers, other things are computed."""
HEAD = ("layer", "kind", "stored as", "SQNR dB", "lost dB", "alone dB")


def layer_lines(found: LayerErrors) -> list[str]:
    """The layers with the lowest SQNR, worst first, and what the columns are."""
    measured = [layer for layer in found.layers if layer.sqnr_db is not None]
    worst = sorted(measured, key=lambda layer: layer.sqnr_db or 0.0)[:LISTED]
    inherited = inherited_db(found)
    rows = [HEAD, *(row(layer, inherited.get(layer.name)) for layer in worst)]
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEAD))]
    unseen = len(found.layers) - len(measured)
    seen = f"{len(measured)} of {len(found.layers)} seen in the file, {unseen} fused or without a tensor"
    lines = [f"layers  {seen}; the {len(worst)} of the lowest SQNR, on {found.images} images"]
    lines += ["        " + aligned(r, widths) for r in rows]
    lines.append(
        f"        SQNR: all error up to the layer; lost: against the layers that it reads; alone: at the scores, with "
        f"this layer alone in int8 (simulated, {found.own_images} images); scores {found.scores_db:.1f} dB"
    )
    if abs(found.tapped_scores_db - found.scores_db) > DISTURBED_DB:
        lines.append(
            f"        with the outputs added to see the layers the scores have {found.tapped_scores_db:.1f} dB: the "
            "runtime computes otherwise then, take the layers' figures as near the artifact's"
        )
    return lines


def inherited_db(found: LayerErrors) -> dict[str, float]:
    """For a layer, the lowest SQNR of those that it reads; through layers without a tensor too."""
    inherited: dict[str, float] = {}
    for layer in found.layers:
        passed = layer.sqnr_db if layer.sqnr_db is not None else inherited.get(layer.name)
        if passed is not None:
            for reader in layer.feeds:
                inherited[reader] = min(passed, inherited.get(reader, passed))
    return inherited


def row(layer: LayerError, inherited: float | None) -> tuple[str, ...]:
    """The cells of one layer."""
    assert layer.sqnr_db is not None
    return (
        layer.path,
        layer.kinds[1] if layer.kinds[0] == "conv" and len(layer.kinds) > 1 else layer.kinds[0],
        f"{layer.dtype}{', kept' if layer.in_float else ''}",
        f"{layer.sqnr_db:.1f}",
        "-" if inherited is None else f"{inherited - layer.sqnr_db:.1f}",
        "-" if layer.own_db is None else f"{layer.own_db:.1f}",
    )


def aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, figures to the right."""
    words = [c.ljust(w) for c, w in zip(cells[:3], widths[:3], strict=True)]
    return "  ".join([*words, *(c.rjust(w) for c, w in zip(cells[3:], widths[3:], strict=True))])
