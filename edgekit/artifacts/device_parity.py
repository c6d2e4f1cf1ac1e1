"""Does the device compute what the artifact's exporter saw? A wrong kernel is fast, too."""

from __future__ import annotations

import numpy as np

from ..base.pixels import from_output
from ..base.progress import Progress
from ..base.scratch import scratch_folder
from ..bench.session import Session
from ..devices.phone.native import NativePhone
from ..errors import VerificationError
from ..types import Measurement
from ..types.artifacts import CHECK_FILE
from ..verify.parity import compare
from .store import Stored


def check_outputs(stored: Stored, session: Session, taken: Measurement, progress: Progress) -> Measurement:
    """Run the artifact on the device on its own check image, and add the agreement to the measurement.

    The limit is the cosine that the artifact's own parity was judged by: kernels of another CPU may round differently.
    An artifact without a check image is left unchecked, and the measurement says None.

    Raises:
        VerificationError: the outputs are wrong there.
        ToolError: the runtime failed.
    """
    artifact = stored.artifact
    if isinstance(session.transport, NativePhone):  # benchmark_model gives no outputs away
        return taken
    if not any(entry.name == CHECK_FILE for entry in artifact.files):
        return taken
    with scratch_folder() as folder, np.load(stored.folder / CHECK_FILE) as saved:
        reference = saved["reference"]
        given, answer = folder / "check-input.npy", folder / "check-output.npy"
        np.save(given, saved["input"])
        session.run(artifact, stored.folder, given, answer, progress)
        outputs = from_output(np.load(answer), artifact.outputs[0])
    tolerance = artifact.parity.tolerance
    found = compare(reference, outputs, tolerance, trained=False)
    if found.cosine_min < tolerance.min_cosine:
        raise VerificationError(
            f"{artifact.model} {artifact.profile} computes something else on {session.device.id}: cosine "
            f"{found.cosine_min:.5f} on the check image, where {tolerance.min_cosine:g} is the least and "
            f"{artifact.parity.cosine_min:.5f} was the worst when it was exported",
            f"{artifact.runtime} {taken.runtime_version} on this CPU is to blame: try another version of it there",
        )
    return taken.model_copy(update={"device_cosine": found.cosine_min, "device_max_abs": found.max_abs})
