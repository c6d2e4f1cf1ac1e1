"""The page of a search: every network that was tried, latency against proxy accuracy, and the front."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.clean import for_html
from ..base.stats import wilson
from ..types.networks.searches import SearchSettings, Tried, best_of, on_front
from .page.axis import axis_of
from .page.svg import number, percent, picture, stretched, text, x_grid, y_grid
from .page.svg import path as svg_path
from .table import milliseconds

HEIGHT = 340.0
STYLE = """
:root { --page: #fcfcfb; --ink: #1c1e21; --soft: #5b6168; --rule: #dfe2e6; --mark: #2468c8; --best: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #15171a; --ink: #e8eaed; --soft: #a3aab2; --rule: #343a41; --mark: #6aa5f5; --best: #f2857d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 1000px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
p { max-width: 78ch; margin: .3rem 0 .7rem; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 600; } th, td { padding: .3rem .5rem;
  border-bottom: 1px solid var(--rule); vertical-align: top; } .num { text-align: right; white-space: nowrap; }
.scroll { overflow-x: auto; } code { overflow-wrap: anywhere; }
figure { margin: .5rem 0 1rem; padding: 8px 12px 0 44px; } svg { display: block; overflow: visible; }
svg svg { overflow: visible; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); } svg text.best { fill: var(--best); font-weight: 600; }
.grid { stroke: var(--rule); fill: none; } .front { stroke: var(--mark); stroke-width: 2; fill: none; }
.target { stroke: var(--soft); stroke-dasharray: 4 3; fill: none; }
circle { fill: var(--mark); opacity: .55; } circle.on { opacity: 1; } circle.best { fill: var(--best); opacity: 1; }
figcaption { margin: .3rem 0 0 -32px; font-size: 12.5px; color: var(--soft); }
.warns { color: var(--best); font-weight: 600; }
line.spread { stroke: var(--mark); opacity: .35; }
"""
UNDER = "Share that was right, %, against milliseconds; dashed: the target; bars: 95 % Wilson intervals; red: the best."
LISTED = 12
"""Networks that are listed by number."""
HEADINGS = ("network", "ms", "right, %", "95 %", "reward", "M MACs", "M params")


def guesses(tried: Sequence[Tried], guessed: float) -> str:
    """Words where the best network may as well have guessed, as then the search chose by chance; else empty.

    Args:
        tried: every network so far.
        guessed: share of the images that are of the most frequent class.
    """
    best = best_of(list(tried))
    if best is None or wilson(best.right, best.images).low > guessed:
        return ""
    return (
        f"no network is clearly more often right than who always says the most frequent class ({guessed:.0%}): "
        "what was found is chance; train longer with --epochs and --images"
    )


def search_page(settings: SearchSettings, tried: Sequence[Tried], guessed: float = 0.0) -> str:
    """The whole page, one HTML file that needs nothing around it.

    Args:
        settings: of the search.
        tried: every network so far.
        guessed: share of the images that are of the most frequent class; 0 where that is not known.
    """
    everything = list(tried)
    front, best = on_front(everything), best_of(everything)
    chance = guesses(everything, guessed)
    title = f"edgekit search around {settings.reference}"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{for_html(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{for_html(title)}</h1>",
        *([f'<p class="warns">{for_html(chance[0].upper() + chance[1:])}.</p>'] if chance else []),
        *(f"<p>{for_html(sentence)}</p>" for sentence in sentences(settings, everything)),
        plot(settings, everything, front, best),
        "<h2>The front: no other was both faster and more often right</h2>",
        table(front),
        "<h2>Everything that was tried</h2>",
        table(everything),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def sentences(settings: SearchSettings, tried: Sequence[Tried]) -> list[str]:
    """What the search was, what it found, and what its figures are not."""
    states = ("trained", "too slow", "failed")
    counts = {state: sum(one.state == state for one in tried) for state in states}
    said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    kind = next((one.cost_kind for one in tried if one.cost_kind), "measured")
    source = (
        f"Latencies are measured on {settings.device}."
        if kind == "measured"
        else f"Latencies are estimated from instructions counted on {settings.device}; no clock has measured them."
    )
    doubtful = [one for one in tried if one.doubt]
    if doubtful:
        numbers = ", ".join(str(one.number) for one in doubtful[:LISTED]) + (", ..." if len(doubtful) > LISTED else "")
        source += (
            f" {len(doubtful)} of them were disturbed (of network {numbers}), and small differences between such "
            f"latencies say nothing. The last one was {doubtful[-1].doubt}."
        )
    found = best_of(list(tried))
    first = "No network has been trained yet."
    if found is not None:
        first = (
            f"The best so far is network {found.number} ({found.card}): {milliseconds(found.cost_ms or 0.0)} ms, "
            f"{found.accuracy:.1f} % right; the target is {milliseconds(settings.target)} ms ({settings.limit} limit)."
        )
        own = next((one for one in tried if one.number == 0 and one.state == "trained"), None)
        if own is not None and own.number != found.number:
            first += f" {settings.reference} itself: {milliseconds(own.cost_ms or 0.0)} ms, {own.accuracy:.1f} % right."
    proxy = (
        f"Right is the share of {settings.judge} held-out training images of {settings.data} after {settings.epochs} "
        f"epoch(s) on {settings.images} others: a proxy to rank networks by, not the accuracy of a trained one, and "
        "the best of many tries looks better than it is. Train the best and the reference alike before you believe it."
    )
    return [first, f"{len(tried)} networks tried: {said or 'none'}. {source}", proxy]


def plot(settings: SearchSettings, tried: Sequence[Tried], front: Sequence[Tried], best: Tried | None) -> str:
    """Latency against the share that was right, with its interval; empty until two networks are trained."""
    shown = [one for one in tried if one.state == "trained" and one.cost_ms is not None]
    if len(shown) < 2:
        return ""
    x = axis_of([*(one.cost_ms or 0.0 for one in shown), settings.target], room=0.08)
    rates = {one.number: wilson(one.right, one.images) for one in shown}
    y = axis_of([100 * share for rate in rates.values() for share in (rate.low, rate.high)], room=0.05)
    vertical, x_labels = x_grid(x, HEIGHT, HEIGHT + 18)
    horizontal, y_labels = y_grid(y, HEIGHT)
    steps = [(x.share(one.cost_ms or 0.0) * 1000, HEIGHT * (1 - y.share(one.accuracy or 0.0))) for one in front]
    line = "".join(f"{'ML'[place > 0]}{number(px)} {number(py)}" for place, (px, py) in enumerate(steps))
    aim = number(x.share(settings.target) * 1000)
    marks = []
    for one in shown:
        rate, left = rates[one.number], percent(x.share(one.cost_ms or 0.0))
        css = "best" if best is not None and one.number == best.number else "on" if one in front else ""
        top, bottom = (number(HEIGHT * (1 - y.share(100 * share))) for share in (rate.high, rate.low))
        marks.append(f'<line class="spread" x1="{left}" x2="{left}" y1="{top}" y2="{bottom}"/>')
        told = for_html(f"{one.card}: {milliseconds(one.cost_ms or 0.0)} ms, {one.accuracy:.1f} %")
        height = number(HEIGHT * (1 - y.share(one.accuracy or 0.0)))
        marks.append(f'<circle class="{css}" cx="{left}" cy="{height}" r="5"><title>{told}</title></circle>')
    names = [
        text("best" if one is best else "", left / 1000, top - 9, str(one.number))
        for one, (left, top) in zip(front, steps, strict=True)
    ]
    lines = stretched(
        HEIGHT, [vertical, horizontal, svg_path("target", f"M{aim} 0V{number(HEIGHT)}"), svg_path("front", line)]
    )
    body = [lines, *marks, *names, x_labels, y_labels]
    drawn = picture(HEIGHT + 26, "Latency against accuracy", "One point a network.", body)
    return f"<figure>{drawn}<figcaption>{UNDER}</figcaption></figure>"


def table(tried: Sequence[Tried]) -> str:
    """Networks, a row each."""
    head = "".join(f"<th{number_class(place)}>{for_html(word)}</th>" for place, word in enumerate(HEADINGS))
    rows = "".join(
        f"<tr>{''.join(f'<td{number_class(p)}>{for_html(cell)}</td>' for p, cell in enumerate(cells(one)))}</tr>"
        for one in tried
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def number_class(place: int) -> str:
    """All columns but the first hold numbers."""
    return ' class="num"' if place else ""


def cells(one: Tried) -> tuple[str, ...]:
    """A network under ``HEADINGS``."""
    accuracy, between = "-", "-"
    if one.accuracy is not None:
        rate = wilson(one.right, one.images)
        accuracy, between = f"{one.accuracy:.1f}", f"{100 * rate.low:.1f} to {100 * rate.high:.1f}"
    name = one.card.removesuffix(".toml") + ("" if one.state == "trained" else f", {one.state} {one.error}".rstrip())
    return (
        name,
        "-" if one.cost_ms is None else milliseconds(one.cost_ms),
        accuracy,
        between,
        f"{one.reward:.2f}" if one.images else "-",
        "-" if one.macs is None else f"{one.macs / 1e6:.2f}",
        "-" if one.params is None else f"{one.params / 1e6:.2f}",
    )
