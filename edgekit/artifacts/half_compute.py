"""float16 arithmetic for a float TFLite file: forced here as a trial, and allowed in the file if the result is near
enough.

The permission covers the whole file: if float16 cannot hold one layer, the file gets no permission. The file is correct
either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.images.pixels import from_output
from ..base.processes.isolate import run_isolated
from ..base.target import sums_in_half
from ..errors import VerificationError
from ..types import ExportProfile, Parity
from ..verify.parity import compare
from .children import jobs
from .children.imports import HALF_LAYERS, TFLITE_FILE
from .prepare import MORE_TIME, Prepared
from .requests import AllowHalf, HalfRequest, Made
from .verify import run_on_parity_images

OVERFLOW = 65504.0
WIDER_SUMS = (
    "float16 compute was checked with sums in float32: this CPU has no float16 arithmetic. CPUs that have it sum in "
    "float16, and their outputs are farther off; edgekit profile --device compares them there, --device virtual-rpi5 "
    "on an emulated Cortex-A76"
)
"""The note where the trial is kinder than the CPUs that it speaks for."""


@dataclass(frozen=True)
class HalfCompute:
    """The result of the trial.

    Attributes:
        parity: of the file computed in float16 by force; None where the permission was left out.
        note: a remark for the user; empty when float16 was not asked for, or was checked as the CPUs compute it.
    """

    parity: Parity | None = None
    note: str = ""


def allow_half(prepared: Prepared, profile: ExportProfile, folder: Path, made: Made) -> HalfCompute:
    """Let CPUs that can compute the file in float16, where that meets the profile's bounds; the file changes in place.

    Raises:
        ToolError: the runtime failed on the file.
    """
    if profile.half_parity is None:
        return HalfCompute()
    out = made.outputs[0]
    exact = np.load(run_on_parity_images(prepared, profile, folder, made))
    half = np.load(run_on_parity_images(prepared, profile, folder, made, half_compute=True))
    if np.array_equal(exact, half):
        return HalfCompute(
            note="float16 compute is left out: this CPU cannot be made to compute in it, so it cannot be verified here"
        )
    try:
        parity = compare(prepared.reference, from_output(half, out), profile.half_parity, prepared.provenance.trained)
    except VerificationError as error:  # values that are not finite
        return HalfCompute(note=left_out(prepared, profile, str(error)))
    if parity.failures:
        return HalfCompute(note=left_out(prepared, profile, "; ".join(parity.failures)))
    file = (folder / made.files[0]).resolve()
    limit_s, what = prepared.options.timeout_s, f"marking {file.name}"
    run_isolated(jobs.allow_half, AllowHalf(file=file), limit_s, what, imports=TFLITE_FILE)
    return HalfCompute(parity, "" if sums_in_half() else WIDER_SUMS)


def left_out(prepared: Prepared, profile: ExportProfile, why: str) -> str:
    """The note that names the layer which float16 cannot hold, or loses most by."""
    request = HalfRequest(network=prepared.source, profile=profile, pixels=prepared.parity_file)
    what = f"looking for the layer of {prepared.card.id} that float16 does not suit"
    limit_s = prepared.options.timeout_s
    found = run_isolated(jobs.half_weakness, request, limit_s, what, more_time=MORE_TIME, imports=HALF_LAYERS)
    reason = (
        f"sums of {found.path} can reach {found.reach:.3g}, beyond float16's {OVERFLOW:g}"
        if found.reach > OVERFLOW
        else f"{found.path} loses most"
    )
    return f"float16 compute is left out, CPUs compute this file in float32: {why}; {reason}"
