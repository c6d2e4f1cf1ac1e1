"""Check that the device computes what the exporter saw: a wrong kernel may be fast."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from tokenize import TokenError

import numpy as np

from ..base.fetched.archives import check_npz
from ..base.images.pixels import from_output
from ..base.progress import Progress
from ..base.scratch import scratch_folder
from ..bench.answers import SAME_VERSION, AnswerError
from ..bench.session import Check, Session
from ..devices.phone.native import NativePhone
from ..errors import UsageError, VerificationError, shown
from ..types import Measurement, Parity, Stored, TensorSpec
from ..types.artifacts import CHECK_FILE
from ..verify.parity import compare
from .store import file_of

Measure = Callable[[Stored, Progress, Check | None], Measurement]
"""A measurement by a session, which also computes what a check asks for."""

UNREADABLE = (ValueError, OSError, EOFError, TypeError, OverflowError, RecursionError, MemoryError, TokenError)
"""What numpy raises for what is no ``.npy`` file."""


def checked(stored: Stored, session: Session, measure: Measure, progress: Progress) -> Measurement:
    """Measure an artifact, and have the device run it on its own check image: the measurement, with the agreement.

    The limit is the cosine that the artifact's own parity was judged by, or the largest error where there are one or
    two classes: kernels of another CPU may round differently.
    An artifact without a check image is left unchecked, and the measurement says None.

    Args:
        stored: the artifact.
        session: the device.
        measure: one of the session's measurements.
        progress: receives an event as each step begins.

    Raises:
        VerificationError: the outputs are wrong there.
        ToolError: the runtime failed.
    """
    artifact = stored.artifact
    unchecked = artifact.parity is None or not any(entry.name == CHECK_FILE for entry in artifact.files)
    if unchecked or isinstance(session.transport, NativePhone):  # benchmark_model cannot return outputs
        return measure(stored, progress, None)
    assert artifact.parity is not None
    image, reference = check_image(stored)
    with scratch_folder() as folder:
        given, answer = folder / "check-input.npy", folder / "check-output.npy"
        np.save(given, image)
        taken = measure(stored, progress, Check(given, answer))
        outputs = from_output(read_outputs(answer, artifact.outputs[0], len(reference)), artifact.outputs[0])
    found = compare(reference, outputs, artifact.parity.tolerance, trained=False)
    wrong = difference(found, artifact.parity)
    if wrong:
        raise VerificationError(
            f"{artifact.model} {artifact.profile} computes something else on {session.device.id}: {wrong}",
            f"{artifact.runtime} {taken.runtime_version} on this CPU is to blame: try another version of it there",
        )
    return taken.model_copy(update={"device_cosine": found.cosine_min, "device_max_abs": found.max_abs})


def check_image(stored: Stored) -> tuple[np.ndarray, np.ndarray]:
    """The artifact's own check image, and the float network's output for it.

    Raises:
        UsageError: the file does not hold them.
    """
    path = file_of(stored.folder, CHECK_FILE)
    try:
        check_npz(path)
        with np.load(path, allow_pickle=False) as saved:
            return saved["input"], saved["reference"]
    except (*UNREADABLE, KeyError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"{path} does not hold a check image: {error}", stored.artifact.again) from error


def read_outputs(path: Path, spec: TensorSpec, count: int) -> np.ndarray:
    """The outputs for ``count`` images, ``(count, classes)``, that a device has written to a ``.npy`` file.

    Raises:
        AnswerError: it is no such file, or of another shape or element type than the artifact's output.
    """
    try:
        # Mapped: a header that promises more than there is costs no memory.
        told = np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE as error:
        why = shown(str(error))
        raise AnswerError(f"the outputs that the device sent are not an .npy file: {why}", SAME_VERSION) from error
    if not isinstance(told, np.ndarray):
        told.close()
        raise AnswerError("the outputs that the device sent are not an .npy file: several arrays", SAME_VERSION)
    shape = (count, *spec.shape[1:])
    if (told.shape, told.dtype.name) != (shape, spec.dtype):
        seen, wanted = f"{told.dtype} {list(told.shape)}", f"{spec.dtype} {list(shape)}"
        raise AnswerError(f"the device sent outputs of {seen}, where {wanted} are to come", SAME_VERSION)
    return np.array(told)


def difference(found: Parity, exported: Parity) -> str:
    """How the output for the check image differs from that at export; empty when it is near enough."""
    tolerance = exported.tolerance
    if "cosine" in found.judged:
        near = found.cosine_min >= tolerance.min_cosine
        said = f"cosine {found.cosine_min:.5f} on the check image, where {tolerance.min_cosine:g} is the least and "
        return "" if near else f"{said}{exported.cosine_min:.5f} was the worst when it was exported"
    limit = tolerance.max_abs_error * exported.reference_max_abs
    said = f"the check image's score is off by {found.max_abs:.4g}, where {limit:.4g} is the most and "
    return "" if found.max_abs <= limit else f"{said}{exported.max_abs:.4g} was the worst when it was exported"
