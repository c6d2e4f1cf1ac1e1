"""Trains, exports and evaluates the small variants; what is done already is left alone.

``python -m benchmarks.accuracy.run [NETWORK ...] [--work DIR]`` takes some six minutes a network on one core; a killed
run goes on where it was. Needs Debian's package ``dataset-fashion-mnist``. ``--page`` alone writes the page anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from edgekit.artifacts.prepare import ExportOptions
from edgekit.base.progress import Event
from edgekit.errors import EdgekitError
from edgekit.verbs.train import CHECKPOINT, Listener, TrainOptions, train

from ..places import PAGES, RESULTS, ROOT
from .networks import DATA, NETWORKS, Trained
from .page import render
from .rows import in_folder, keep_row, kept_rows, measure_row

ROWS = RESULTS / "accuracy"
PAGE = PAGES / "accuracy.md"
WORK = ROOT / "build" / "accuracy"


def say(event: Event) -> None:
    """Progress, on stderr."""
    sys.stderr.write(f"{event}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 when a network could not be done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="all when none is named")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of checkpoints and artifacts")
    parser.add_argument("--page", action="store_true", help="write the page of the rows that are there, nothing else")
    parser.add_argument("--trained", action="store_true", help="only the networks that are trained already")
    asked = parser.parse_args(arguments)
    known = {network.model: network for network in NETWORKS}
    unknown = set(asked.networks) - known.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    failed = 0
    for network in [] if asked.page else [known[name] for name in asked.networks or known]:
        if (ROWS / f"{network.model}.json").is_file() and not asked.networks:
            continue
        if asked.trained and not is_trained(network, asked.work):
            continue
        try:
            one(network, asked.work)
        except EdgekitError as error:
            sys.stderr.write(f"{network.model}: {error}\n")
            failed += 1
    PAGE.write_text(render(kept_rows(ROWS), [network.model for network in NETWORKS]))
    return int(failed > 0)


def is_trained(network: Trained, work: Path) -> bool:
    """Whether all epochs are done."""
    from edgekit.training.checkpoint import read_run

    path = work / "runs" / network.model / CHECKPOINT
    return path.is_file() and read_run(path)[2].finished


def one(network: Trained, work: Path) -> None:
    """Train, export, evaluate, keep."""
    folder = work / "runs" / network.model
    trained = train(network.card, TrainOptions(DATA, network.recipe, out=folder, resume=True), Listener(say)).run
    seconds = sum(epoch.seconds for epoch in trained.epochs)
    epochs = f"{network.epochs} epoch{'s' * (network.epochs != 1)} of batch {network.batch}"
    words = f"{trained.train_images} images, {epochs}, {seconds / 60:.0f} min"
    options = ExportOptions(calibration=DATA, parity_data=DATA, num_classes=10)
    options = in_folder(options, folder / CHECKPOINT, work / "artifacts")
    keep_row(ROWS, measure_row(network.card, options, DATA, words, say))


if __name__ == "__main__":
    sys.exit(main())
