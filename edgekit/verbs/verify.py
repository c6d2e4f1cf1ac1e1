"""The verb ``verify``: compare the outputs of two model files on the same inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..artifacts.find import check_shapes, find_one
from ..artifacts.outputs import compare_output, fair_bounds, outputs_of
from ..artifacts.store import check_files, file_of, write_manifest
from ..base.images.pixels import from_output
from ..base.progress import Progress, Step, silent
from ..catalog import profile_for
from ..errors import UsageError
from ..types import ImageSet, Parity, ParityTolerance, Stored
from ..verify.sets_of_inputs import Arrays, Shapes, given_inputs, random_inputs, stored_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIMEOUT_S = 300.0
SETS = 16
"""Sets of random inputs when there is no data."""


@dataclass(frozen=True)
class OutputParity:
    """One output of the file against the reference's."""

    name: str
    parity: Parity


@dataclass(frozen=True)
class Verified:
    """What a comparison found.

    Attributes:
        data: what the inputs were.
        passed: every output is near enough.
    """

    stored: Stored
    reference: Stored
    data: ImageSet
    outputs: tuple[OutputParity, ...]

    @property
    def passed(self) -> bool:
        """True when no output failed."""
        return all(one.parity.passed for one in self.outputs)


def verify(
    name: str,
    against: str,
    data: str | None = None,
    *,
    tolerance: Mapping[str, float | None] | None = None,
    shapes: Shapes | None = None,
    artifacts_root: Path = Path("artifacts"),
    progress: Progress = silent,
) -> Verified:
    """Compare a file with a reference, output by output; a foreign file that agrees is kept as verified.

    Args:
        name: an artifact folder or a model file.
        against: the reference, likewise.
        data: ``.npz`` with an array for each input of the reference, by its name or place, sets of inputs in front;
            random inputs when None.
        tolerance: bounds by name of :class:`~edgekit.types.ParityTolerance`'s fields, in place of those of the file's
            precision.
        shapes: of inputs that the files leave open.
        artifacts_root: holds ``<model>/<profile>/manifest.json``.
        progress: receives an event as each step begins.

    Raises:
        UsageError: a name means nothing, the files have other inputs or outputs, or a shape or the data does not fit.
        VerificationError: an output is not finite.
        ToolError: a runtime is not installed, or fails.
    """
    mine, reference = (one_of(text, artifacts_root, shapes) for text in (name, against))
    check_shapes(shapes or {}, (mine, reference))
    ends = reference.artifact.inputs, mine.artifact.inputs
    if len(ends[0]) != len(ends[1]) or len(mine.artifact.outputs) != len(reference.artifact.outputs):
        raise UsageError(
            f"{name} has {len(ends[1])} inputs and {len(mine.artifact.outputs)} outputs, {against} {len(ends[0])} and "
            f"{len(reference.artifact.outputs)}",
            "compare files of the same network",
        )
    sets, source = random_inputs(ends[0], SETS) if data is None else given_inputs(Path(data), ends[0])
    exact = run(reference, sets, progress)
    found = run(mine, [stored_inputs(a, *pair) for a, *pair in zip(sets, *ends, strict=True)], progress)
    bounds = bounds_of(mine, source, tolerance or {})
    parities = []
    specs = zip(mine.artifact.outputs, reference.artifact.outputs, strict=True)
    for (spec, wanted), made, expected in zip(specs, found, exact, strict=True):
        outputs = as_laid_out(from_output(made, spec), expected.shape)
        parities.append(OutputParity(spec.name, compare_output(from_output(expected, wanted), outputs, bounds)))
    verified = Verified(mine, reference, source, tuple(parities))
    return kept(verified) if verified.passed and mine.artifact.origin else verified


def one_of(name: str, root: Path, shapes: Shapes | None) -> Stored:
    """The one artifact that a name means, its files checked."""
    stored = find_one(name, root, shapes)
    check_files(stored)
    return stored


def bounds_of(stored: Stored, source: ImageSet, wanted: Mapping[str, float | None]) -> ParityTolerance:
    """What a file of its format and precision has to reach, with the bounds that are asked for."""
    artifact = stored.artifact
    usual = fair_bounds(profile_for(artifact.format, artifact.precision).parity, source)
    return ParityTolerance.from_plain({**usual.to_plain(), **wanted})


def run(stored: Stored, sets: Arrays, progress: Progress) -> Arrays:
    """A file's outputs for sets of inputs, each with the sets in front."""
    artifact = stored.artifact
    progress(Step("running", (f"{artifact.model} {artifact.profile}",)))
    file, what = file_of(stored.folder, artifact.model_file), f"running {artifact.model} {artifact.profile}"
    return outputs_of(file, artifact.runtime, sets, artifact.input_shapes, TIMEOUT_S, what)


def as_laid_out(outputs: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Outputs in the layout of the reference: NHWC becomes NCHW, or the reverse, where that makes the shapes one."""
    if outputs.shape == shape or outputs.ndim != 5:
        return outputs
    for order in ((0, 1, 4, 2, 3), (0, 1, 3, 4, 2)):
        if tuple(outputs.shape[axis] for axis in order) == shape:
            return outputs.transpose(order)
    return outputs


def kept(found: Verified) -> Verified:
    """The same with the parity in the manifest of the file, so that reports have it: that of the worst output."""
    worst = min((one.parity for one in found.outputs), key=lambda parity: parity.sqnr_db)
    artifact = found.stored.artifact.model_copy(update={"parity": worst, "parity_data": found.data})
    write_manifest(found.stored.folder, artifact)
    return Verified(Stored(found.stored.folder, artifact), found.reference, found.data, found.outputs)
