"""The verb ``profile`` on a simulated board: count artifacts and keep the counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...artifacts.find import ExportMissing, find_artifacts
from ...artifacts.store import check_files
from ...base.files import check_writable
from ...base.inside import inside
from ...base.progress import Finished, Progress, Step, silent, telling
from ...counting.count import count
from ...counting.emulator import prepare
from ...devices.target import warn_of_mismatches
from ...devices.virtual.simulated import SIMULATED
from ...errors import EdgekitError, ToolError, UsageError
from ...reports.counted.store import save_count
from ...types import Counted, Device, Runtime
from ...verify.sets_of_inputs import Shapes


@dataclass
class CountedRun:
    """What came of a run: counts with the files that keep them, and what could not be counted."""

    counted: list[Counted] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    failures: list[tuple[str, EdgekitError]] = field(default_factory=list)

    def raise_failures(self) -> None:
        """End the run the way it went.

        Raises:
            EdgekitError: the failure itself when the run had one artifact; else a ToolError that names all.
        """
        if not self.failures:
            return
        if len(self.failures) == 1 and not self.counted:
            raise self.failures[0][1]
        total = len(self.failures) + len(self.counted)
        lines = "\n".join(f"  {name}: {error}" for name, error in self.failures)
        hints = dict.fromkeys(error.hint for _, error in self.failures if error.hint)
        raise ToolError(f"{len(self.failures)} of {total} artifacts could not be counted:\n{lines}", "\n".join(hints))


def count_profile(
    names: Sequence[str],
    places: Sequence[Device],
    runtime: Runtime | None = None,
    *,
    threads: Sequence[int] = (1,),
    batch: int | None = None,
    shapes: Shapes | None = None,
    artifacts_root: Path = Path("artifacts"),
    reports_root: Path = Path("device_reports"),
    export_missing: ExportMissing | None = None,
    repeat: bool = True,
    progress: Progress = silent,
) -> CountedRun:
    """Count each artifact that ``names`` mean on each simulated board; what is counted is kept at once.

    Args:
        names: artifact folders, model files, model ids or aliases; none means all under ``artifacts_root``.
        places: simulated boards.
        runtime: count only what this runtime executes.
        threads: within an operator; each count is counted.
        batch: images of one inference, for artifacts that leave it open.
        shapes: of inputs that a foreign model file leaves open.
        artifacts_root: holds ``<model>/<profile>/manifest.json``.
        reports_root: gets ``<device>/counted/<key>.json``.
        export_missing: makes the artifacts of a model id that has none.
        repeat: count a second process, which tells the noise.
        progress: receives an event as each step begins.

    Raises:
        UsageError: an unknown name, or nothing to count.
        ToolError: this machine cannot count, or the reports cannot be written.
    """
    for place in places:
        check_writable(inside(reports_root, place.id, field="the device's name"), "--reports")
    ready = [prepare(SIMULATED[place.id], progress) for place in places]  # before anything is exported
    stored = find_artifacts(names, artifacts_root, runtime, export_missing, shapes)
    for place in places:
        warn_of_mismatches((one.artifact for one in stored), place, progress)
    run = CountedRun()
    tasks = [(board, one, n) for board in ready for one in stored for n in dict.fromkeys(threads)]
    for number, (board, one, n) in enumerate(tasks, 1):
        label = f"{one.artifact.model}/{one.artifact.profile}" + (f" t{n}" if len(threads) > 1 else "")
        here = telling(f"{number}/{len(tasks)} {label} on {board.board.name}", progress)
        try:
            here(Step("checking the files"))
            check_files(one)
            counted = count(one, board, threads=n, batch=batch, repeat=repeat, progress=here)
            run.files.append(save_count(reports_root, counted))
            run.counted.append(counted)
        except EdgekitError as error:
            run.failures.append((label, error))
            progress(Finished(f"failed: {error}", (label,)))
    return run


def split(places: Sequence[Device]) -> bool:
    """True when all of the devices are simulated, False when none is.

    Raises:
        UsageError: some are and some are not.
    """
    kinds = {place.transport == "simulated" for place in places}
    if len(kinds) > 1:
        counts = ", ".join(place.id for place in places if place.transport == "simulated")
        raise UsageError(f"{counts} counts and the others measure: their results are never shown together",
                         "name simulated boards in a command of their own")  # fmt: skip
    return kinds == {True}
