"""Model cards as text."""

from __future__ import annotations

from collections.abc import Sequence

from ...types import ModelCard, Preprocessing, Weights

FP32_BYTES = 4


def best_published(card: ModelCard) -> str:
    """The highest published top-1 of the card's weights, else of its sources; a dash when nobody published one."""
    figures = [w.top1 for w in card.weights if w.top1 is not None] or [p.top1 for p in card.published]
    return f"{max(figures):.1f}" if figures else "-"


def input_text(card: ModelCard) -> str:
    """The input as ``3 x 224 x 224``."""
    return " x ".join(map(str, card.input_shape))


def models_table(cards: Sequence[ModelCard]) -> None:
    """Print the table of ``edgekit models list`` on stdout."""
    from .screen import on_stdout
    from .tables import print_table

    titles = ("model", "params", "MACs", "input", "top-1 %", "also called")
    rows = [
        (
            card.id,
            "-" if card.params is None else f"{card.params / 1e6:.2f} M",
            "-" if card.macs is None else f"{card.macs / 1e6:.1f} M",
            input_text(card),
            best_published(card),
            ", ".join(card.aliases),
        )
        for card in cards
    ]
    console = on_stdout()
    print_table(
        titles,
        rows,
        numbers=("params", "MACs", "top-1 %"),
        spare=("also called", "input"),
        screen=console,
        most=len(rows),
    )
    console.print(
        "MACs: multiply-accumulates of conv and linear, batch 1. top-1: best published figure, not measured here."
    )


def preprocessing_text(pre: Preprocessing) -> str:
    """How an image becomes the input, in words."""
    rows, columns = pre.size
    crop = str(rows) if rows == columns else f"{rows} x {columns}"
    side = f"short side to {pre.resize}" if isinstance(pre.resize, int) else f"stretched to {pre.resize}"
    return f"{side}, centre {crop}, /255, minus {list(pre.mean)}, divided by {list(pre.std)}"


def model_details(card: ModelCard) -> str:
    """The text of ``edgekit models show``."""
    pre = card.preprocessing
    lines = [
        f"{card.id}  {card.title}",
        "",
        *size_lines(card),
        f"  input       1 x {input_text(card)} (NCHW), {pre.channels}",
        f"  preprocess  {preprocessing_text(pre)}",
        f"  classes     {card.num_classes}",
        f"  aliases     {', '.join(card.aliases) or '-'}",
        f"  paper       {card.paper or '-'}",
        f"  licence     {card.licence or '-'}",
    ]
    if card.published:
        lines += ["", "  published accuracy (ImageNet, not measured here)"]
        lines += [f"    {accuracy(p.top1, p.top5):<22} {p.source}" for p in card.published]
    if card.weights:
        lines += ["", "  public weights"]
        lines += [f"    {weights_line(w)}" for w in card.weights]
    return "\n".join(lines)


def size_lines(card: ModelCard) -> list[str]:
    """Parameters, MACs and bytes, where the card tells them."""
    lines = []
    if card.params is not None:
        lines.append(f"  params      {card.params:,}")
    if card.macs is not None:
        lines.append(f"  MACs        {card.macs:,} at batch 1 (1 MAC = 2 FLOPs)")
    if card.params is not None:
        lines.append(f"  size        {card.params * FP32_BYTES / 1e6:.1f} MB of float32 weights")
    return lines


def accuracy(top1: float, top5: float | None) -> str:
    """``top-1 74.0, top-5 91.3``."""
    return f"top-1 {top1:g}" + (f", top-5 {top5:g}" if top5 is not None else "")


def weights_line(weights: Weights) -> str:
    """One public checkpoint."""
    score = accuracy(weights.top1, weights.top5) if weights.top1 is not None else ""
    licence = weights.licence or "no licence stated"
    return f"{score:<22} {weights.name} ({licence}){' ' + weights.url if weights.url else ''}"
