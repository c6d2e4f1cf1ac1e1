"""Whether what ``edgekit search`` found is better than the network around which it searched: several seeds a side.

::

    edgekit search benchmarks/accuracy/cards/mnasnet_fashion.toml --data fashion-mnist --device sim-rpi4 --trials 14 \
        --images 3000 --judge 1500 --epochs 2 --batch 32 --lr 0.05 --seed 1 -o found
    python -m benchmarks.search_result train found --images 4000 --epochs 3 --seeds 5
    python -m benchmarks.search_result write

``train`` trains the best of the search and the reference alike, seed by seed, and judges both by test images that no
search has seen; with other ``--images`` or ``--epochs`` it adds another comparison. Every training is kept as it ends;
started again it goes on. Both sides are paired by the seed.
"""
# ruff: noqa: T201 - a program, not a package; it prints

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.places import PAGES, RESULTS
from edgekit.base.files import write_atomic
from edgekit.catalog import find_card
from edgekit.training.datasets import Dataset, Split, Subset
from edgekit.training.proxy import proxy_accuracy
from edgekit.training.recipes import Recipe
from edgekit.training.sources import load_data
from edgekit.types.networks.searches import SearchSettings, Tried, best_of, on_front
from edgekit.verbs.search.study import kept_settings, tried_in
from edgekit.zoo.registry import create

KEPT = RESULTS / "search.json"


def train(options: argparse.Namespace) -> None:
    """Train both sides with every seed that is missing."""
    settings, tried = kept_settings(options.search), tried_in(options.search)
    best = best_of(tried)
    if settings is None or best is None or best.number == 0:
        raise SystemExit(f"{options.search} holds no search that found anything better than its reference")
    recipe = Recipe(epochs=options.epochs, batch=settings.batch, lr=settings.lr)
    found: dict[str, Any] = {
        "settings": settings.to_plain(),
        "tried": [one.to_plain() for one in tried],
        "cards": {one.card: text_of(options.search / "cards" / one.card) for one in (tried[0], best)},
        "runs": [],
    }
    if options.out.exists():
        before = json.loads(options.out.read_text())
        if {**before, "runs": None} == {**found, "runs": None}:
            found["runs"] = before["runs"]
    plain = {"images": options.images, "recipe": recipe.to_plain()}
    run = next((one for one in found["runs"] if plain == {name: one[name] for name in plain}), None)
    if run is None:
        run = {**plain, "accuracy": {"reference": {}, "found": {}}}
        found["runs"].append(run)
    for seed in range(1, options.seeds + 1):
        for side, one in (("reference", tried[0]), ("found", best)):
            kept: dict[str, float] = run["accuracy"][side]
            if str(seed) in kept:
                continue
            kept[str(seed)] = trained(options.search / "cards" / one.card, recipe, settings, options.images, seed)
            write_atomic(options.out, json.dumps(found, indent=1) + "\n")
            print(f"seed {seed}, {side}: {kept[str(seed)]:.2f} %", flush=True)


def text_of(path: Path) -> str:
    """A card as it was tried."""
    return path.read_text(encoding="utf-8")


def trained(path: Path, recipe: Recipe, settings: SearchSettings, images: int, seed: int) -> float:
    """Top-1 on all test images, percent, after one training."""
    card = find_card(str(path))
    whole = load_data(settings.data, card.preprocessing)
    order = np.sort(np.random.default_rng(1000 + seed).permutation(len(whole.train.labels))[:images])
    part = Split(Subset(whole.train.images, order), whole.train.labels[order])
    data = Dataset(whole.name, whole.classes, part, whole.test)
    torch.manual_seed(seed)
    network = create(card)
    return proxy_accuracy(network, data, card.preprocessing, recipe.model_copy(update={"seed": seed})).accuracy


def compared(reference: list[float], found: list[float]) -> dict[str, float]:
    """The mean difference of pairs by seed, points, with Student's 95 % interval."""
    from scipy.special import stdtrit

    differences = [new - old for old, new in zip(reference, found, strict=True)]
    mean, count = statistics.fmean(differences), len(differences)
    half = float(stdtrit(count - 1, 0.975)) * statistics.stdev(differences) / count**0.5
    return {"mean": mean, "low": mean - half, "high": mean + half, "seeds": count}


def page(kept: dict[str, Any]) -> str:
    """The page as Markdown."""
    settings = SearchSettings.from_plain(kept["settings"])
    tried = [Tried.from_plain(one) for one in kept["tried"]]
    best = best_of(tried)
    assert best is not None
    old, new = tried[0], best
    assert old.cost_ms is not None
    assert new.cost_ms is not None
    counts = {state: sum(one.state == state for one in tried) for state in ("trained", "too slow", "failed")}
    first = (
        f"Around `{settings.reference}` on {settings.data}, for {settings.device}: {len(tried)} networks were tried "
        f"({', '.join(f'{count} {state}' for state, count in counts.items() if count)}), {len(on_front(tried))} are on "
        "the front."
    )
    size = [
        f"| {name} | {one.cost_ms:.3g} | {(one.macs or 0) / 1e6:.2f} | {(one.params or 0) / 1e6:.2f} |"
        for name, one in ((f"`{settings.reference}`", old), (f"network {new.number}", new))
    ]
    figures = [compared(*(list(run["accuracy"][side].values()) for side in SIDES)) for run in kept["runs"]]
    shown = new.cost_ms <= old.cost_ms and all(one["low"] > 0 for one in figures)
    gains = " and ".join(f"{one['mean']:+.1f} points ({one['low']:+.1f} to {one['high']:+.1f})" for one in figures)
    verdict = (
        f"**{'The found network dominates it' if shown else 'It is not shown that the found network dominates it'}**: "
        f"{new.cost_ms / old.cost_ms:.2f} times the latency, and top-1 {gains}."
    )
    rows = [
        f"| {run['images']:,} | {run['recipe']['epochs']} | {one['seeds']} | {of(run, 'reference')} | "
        f"{of(run, 'found')} | {one['mean']:+.1f} ({one['low']:+.1f} to {one['high']:+.1f}) |"
        for run, one in zip(kept["runs"], figures, strict=True)
    ]
    recipe = kept["runs"][0]["recipe"]
    how = (
        f"In each row both were trained alike: batch {recipe['batch']}, learning rate {recipe['lr']:g}, and with each "
        "seed the same images. The difference is that of the pairs by seed, with Student's 95 % interval. Top-1 is of "
        f"all {TEST:,} test images, which the search has not seen; in brackets the lowest and the highest seed. "
        f"Latencies are estimated from instructions counted on {settings.device}, as `{settings.profile}`: no clock "
        "has measured them."
    )
    card = kept["cards"][new.card].partition("[preprocessing]")[0].strip()
    parts = [INTRODUCTION, first, "", verdict, ""]
    parts += ["| network | estimated ms | M MACs | M params |", "|---|---|---|---|", *size, ""]
    parts += [f"| images | epochs | seeds | `{settings.reference}`, % | network {new.number}, % | difference |"]
    parts += ["|---|---|---|---|---|---|", *rows, "", how, "", LIMITS]
    parts += ["The found network:", "", "```toml", card, "```", "", *again(settings, len(tried), kept["runs"])]
    return "\n".join(parts) + "\n"


def of(run: dict[str, Any], side: str) -> str:
    """The mean of a side's seeds, with the lowest and the highest."""
    values = list(run["accuracy"][side].values())
    return f"{statistics.fmean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def again(settings: SearchSettings, trials: int, runs: Sequence[dict[str, Any]]) -> list[str]:
    """The commands that made it."""
    words = {"images": settings.images, "judge": settings.judge, "epochs": settings.epochs, "batch": settings.batch}
    options = " ".join(f"--{name} {value}" for name, value in words.items())
    return [
        "## Again",
        "",
        "```sh",
        f"edgekit search benchmarks/accuracy/cards/{settings.reference}.toml --data {settings.data} \\",
        f"    --device {settings.device} --trials {trials} {options} \\",
        f"    --lr {settings.lr:g} --seed {settings.seed} -o found",
        *(
            f"python -m benchmarks.search_result train found --images {run['images']} "
            f"--epochs {run['recipe']['epochs']} --seeds {len(run['accuracy']['found'])}"
            for run in runs
        ),
        "python -m benchmarks.search_result write",
        "```",
    ]


SIDES = ("reference", "found")
TEST = 10_000
INTRODUCTION = """# What a search found

[`edgekit search`](../how-to/search.md) around a small MnasNet of the zoo. `python -m benchmarks.search_result write`
makes this page from `benchmarks/results/search.json`.
"""
LIMITS = """What this does not say: the trainings are short. In the first row the reference has hardly begun to learn
when they end (its many layers see maps of 1 x 1), so part of that difference is that the found network learns sooner.
Longer trainings make it smaller, as the second row shows, and still longer ones may do so further. The reference is
MnasNet-A1 made narrow for 28 x 28 images, not a network that its authors tuned for them. One search with one seed was
run; another seed finds another network. Nothing follows for ImageNet.
"""


def write(options: argparse.Namespace) -> None:
    """The page."""
    write_atomic(options.out, page(json.loads(options.data.read_text())))
    print(f"wrote {options.out}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train")
    training.set_defaults(run=train)
    training.add_argument("search", type=Path, help="folder of the search")
    training.add_argument("--seeds", type=int, default=5)
    training.add_argument("--images", type=int, default=12000)
    training.add_argument("--epochs", type=int, default=3)
    training.add_argument("--out", type=Path, default=KEPT)
    written = commands.add_parser("write")
    written.set_defaults(run=write)
    written.add_argument("--data", type=Path, default=KEPT)
    written.add_argument("--out", type=Path, default=PAGES / "search.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.run(options)


if __name__ == "__main__":
    main()
