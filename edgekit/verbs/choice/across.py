"""``compare`` of more than two artifacts: one network's files for all runtimes, measured in turn, with one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from ...artifacts.accuracy.kept import known_evaluations
from ...artifacts.find import find_artifacts
from ...artifacts.store import check_files
from ...base.progress import PartDone, Progress, Warned, silent, telling
from ...bench.asked_cores import known_cores
from ...bench.paired import BRIEF, Contender, Round, ratio_of, rounds
from ...bench.session import Session
from ...devices.quarantine import admit
from ...devices.reach import reach
from ...errors import UsageError
from ...reports.across.ranking import Ranking, ranking
from ...reports.compared.comparable import require_comparable
from ...types import Measurement, Ratio, Stored
from ...verify.sets_of_inputs import Shapes
from ..compare import place_for_pairs

ERROR = 0.05
"""Probability that any ratio of a ranking is wrong. It is divided among all pairs, since the same data choose the
fastest.
"""


def across(
    names: Sequence[str],
    device: str = "local",
    *,
    count: int = 10,
    threads: int = 1,
    cores: str | None = None,
    shapes: Shapes | None = None,
    artifacts: Path = Path("artifacts"),
    force: bool = False,
    progress: Progress = silent,
) -> Ranking:
    """Measure artifacts in rounds, each a fresh process of every one in random order, and rank them.

    Args:
        names: artifacts, or a model id for all of its artifacts; at least two artifacts in the end.
        device: where to measure.
        count: rounds.
        threads: within an operator.
        cores: the cores that all are pinned to; None for any core.
        shapes: of inputs that a foreign model file leaves open.
        artifacts: holds ``<model>/<profile>/manifest.json``.
        force: measure even on a quarantined device.
        progress: receives an event as each step begins.

    Raises:
        UsageError: fewer than two artifacts, too few rounds, an unknown name or device, or a changed file.
        NotComparableError: the device is emulated, or its conditions changed on the way.
        ToolError: the device failed.
    """
    found = find_artifacts(names, artifacts, shapes=shapes)
    if len(found) < 2:
        raise UsageError(
            f"{', '.join(names)} means one artifact, and two are the least to compare",
            f"edgekit export {found[0].artifact.model} --format all makes the others",
        )
    place = place_for_pairs(device, count)
    cores = known_cores(cores)
    admit(place, force, progress)
    for stored in found:
        check_files(stored)
    contenders = [Contender(name, stored) for name, stored in named(found).items()]
    with reach(place, progress) as transport:
        session = Session(transport, place, threads=threads, cores=cores, limits=BRIEF)
        first = {one.name: session.measure(one.stored, telling(one.name, progress)) for one in contenders}
        taken: list[Round] = []
        for one in islice(rounds(session, contenders, progress=progress), count):
            taken.append(one)
            progress(PartDone("round", done=len(taken), total=count))
    launches = {name: launches_of(name, taken, first[name]) for name in first}
    check_conditions(list(launches.values()))
    known, unreadable = known_evaluations(artifacts)
    for error in unreadable:
        progress(Warned(f"no accuracy from {error}"))
    evaluations = {
        name: known[key] for name, m in first.items() if (key := (m.artifact_sha256, m.weights_sha256)) in known
    }
    return ranking(launches, ratios_of(taken, list(first)), evaluations, 1 - ERROR)


def named(found: Sequence[Stored]) -> dict[str, Stored]:
    """The artifacts by their profile, with the model in front where there are several."""
    models = {stored.artifact.model for stored in found}
    names = [
        stored.artifact.profile if len(models) == 1 else f"{stored.artifact.model}/{stored.artifact.profile}"
        for stored in found
    ]
    if len(set(names)) < len(names):
        names = [str(stored.folder) for stored in found]
    return dict(zip(names, found, strict=True))


def launches_of(name: str, taken: Sequence[Round], first: Measurement) -> list[Measurement]:
    """The launches of a contender; the first carries the peak memory, which a launch of its own found."""
    launches = [one[name] for one in taken]
    memory = {"peak_rss_bytes": first.peak_rss_bytes, "baseline_rss_bytes": first.baseline_rss_bytes}
    return [launches[0].model_copy(update=memory), *launches[1:]]


def check_conditions(sides: Sequence[Sequence[Measurement]]) -> None:
    """Refuse launches that were made under different conditions.

    Raises:
        NotComparableError: names every condition that differs.
    """
    for side in sides:
        require_comparable(sides[0][0], side[0])
        for launch in side[1:]:
            require_comparable(side[0], launch)


def ratios_of(taken: Sequence[Round], names: Sequence[str]) -> dict[str, Ratio]:
    """The latency of each over that of the fastest, which is the one whose median ratio to every other is at most 1."""
    pairs = len(names) * (len(names) - 1) // 2
    confidence = 1 - ERROR / pairs

    def against(base: str) -> dict[str, Ratio]:
        return {name: ratio_of(taken, name, base, confidence) for name in names if name != base}

    every = {base: against(base) for base in names}
    fastest = max(names, key=lambda base: min(ratio.ratio for ratio in every[base].values()))
    return every[fastest]
