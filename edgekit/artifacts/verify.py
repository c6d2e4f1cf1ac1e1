"""Prove a converted file: its outputs equal the reference's, and its content is what the profile claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.files import writing
from ..base.images.pixels import from_output, to_input
from ..base.inside import inside
from ..base.processes.isolate import run_isolated
from ..base.target import host_target, saturates
from ..convert.onnx.signed import wants_signed
from ..errors import VerificationError
from ..forms.resolve import DEFAULT
from ..types import RUNTIME_OF, Audit, ExportProfile, Parity
from ..types.answers import InspectAnswer, RunAnswer
from ..types.artifacts import CHECK_FILE
from ..verify.parity import compare, top1_doubt
from .children import jobs
from .children.asking import ask_here
from .children.imports import audit as audit_imports
from .prepare import Prepared
from .requests import AuditRequest, Made

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIMEOUT_S = 300.0
SEVERAL = 3
"""Images of one inference in the proof that an open batch is open."""


def verify(
    prepared: Prepared,
    profile: ExportProfile,
    folder: Path,
    made: Made,
    parity: Parity | None = None,
    half_compute: bool = False,
) -> tuple[Parity, Audit]:
    """Parity and audit of the converted file in ``folder``; also writes ``check.npz`` there.

    ``parity`` where it is known; ``half_compute``: the file is to say that CPUs which can may compute it in float16.

    Raises:
        VerificationError: a criterion was missed; the message holds all of them.
        ToolError: the runtime failed on the file.
    """
    parity = parity or check_parity(prepared, profile, folder, made)
    audit = check_claims(prepared, profile, folder, made, half_compute)
    failures = [f"parity: {f}" for f in parity.failures] + [f"audit: {f}" for f in audit.failures]
    if failures:
        raise VerificationError("; ".join(failures), f"nothing was kept; {remedy(profile)}")
    return parity, audit


def remedy(profile: ExportProfile) -> str:
    """What may bring an artifact of this precision nearer to its network."""
    own = "a profile of your own with other bounds under [parity]"
    if profile.precision == "int8":
        return f"try --calibration with photos like the network's own, leave --strict-int8 out, or {own}"
    if profile.precision == "fp32":
        # Nothing is rounded on purpose: what is left is a rewrite, a converter or a runtime that is wrong.
        other = "" if profile.form == DEFAULT else "--form default, "
        return f"try {other}a profile of your own with rewrites = [], to see which rewrite it is, or {own}"
    if profile.precision == "fp16":
        return f"export float32 (leave --fp16 out), or try {own}"
    return f"export float32, or --int8 with --calibration (its ranges are measured), or try {own}"


def check_parity(prepared: Prepared, profile: ExportProfile, folder: Path, made: Made) -> Parity:
    """Run the file on the parity images and compare.

    The first images, a batch of them, and their reference go to ``check.npz`` (``input`` as the artifact takes it,
    ``reference`` float32), so that a device can be checked later without the images.
    """
    out = made.outputs[0]
    taken = run_on_parity_images(prepared, profile, folder, made)
    inputs = np.load(file_beside(prepared, profile, "in"), mmap_mode="r")
    with writing(folder / CHECK_FILE):
        size = made.inputs[0].batch or 1
        np.savez_compressed(folder / CHECK_FILE, input=inputs[:size], reference=prepared.reference[:size])
    outputs = from_output(np.load(taken), out)
    if made.inputs[0].batch is None:
        check_batches(prepared, profile, folder, made, outputs)
    return compare(prepared.reference, outputs, profile.parity, prepared.provenance.trained)


def check_batches(
    prepared: Prepared, profile: ExportProfile, folder: Path, made: Made, alone: NDArray[np.float32]
) -> None:
    """Make sure that a file with an open batch gives for images together what it gives for each alone.

    Raises:
        VerificationError: it does not: the batch was taken for a constant somewhere.
    """
    taken = run_on_parity_images(prepared, profile, folder, made, batch=SEVERAL)
    together = from_output(np.load(taken), made.outputs[0])
    found = compare(alone, together, profile.parity, trained=False)
    if found.failures:
        raise VerificationError(
            f"images in batches of {SEVERAL} do not give what each gives alone: {'; '.join(found.failures)}",
            "give a number: --batch 4; or another form: --form default",
        )


def file_beside(prepared: Prepared, profile: ExportProfile, part: str) -> Path:
    """The ``.npy`` file of what a profile's artifact took (``in``) or gave (``out``)."""
    return inside(prepared.work, f"{profile.name}-{part}.npy", field="the profile's name")


def run_on_parity_images(
    prepared: Prepared, profile: ExportProfile, folder: Path, made: Made, *, batch: int = 1, half_compute: bool = False
) -> Path:
    """Run the file on the parity images; the file of its outputs, ``(N, classes)`` as it stores them.

    ``batch`` is that of a file which leaves it open; with ``half_compute`` the runtime is made to compute floats in
    float16.
    """
    inputs = to_input(prepared.parity_pixels, made.inputs[0])
    how = {"exact_int8": overflows_here(profile, made), "half_compute": half_compute}
    given, taken = file_beside(prepared, profile, "in"), file_beside(prepared, profile, "out")
    with writing(given):
        np.save(given, inputs)
    files = {"inputs": str(given), "outputs": str(taken)}
    asked = {**agent_request(folder, made), **how, **files, "batch": batch}
    ask_here(RunAnswer, RUNTIME_OF[profile.format], asked, TIMEOUT_S, f"running {prepared.card.id} {profile.name}")
    return taken


def overflows_here(profile: ExportProfile, made: Made) -> bool:
    """True for an int8 file whose sums overflow in this machine's kernels and not in those of its target.

    TFLite's kernels sum in 32 bits everywhere.
    """
    fits = profile.precision == "int8" and profile.format != "tflite" and not saturates(made.target)
    return fits and saturates(host_target())


def how_verified(profile: ExportProfile, made: Made, parity: Parity) -> tuple[str, ...]:
    """What is to be said of the way in which parity was found, and of what it leaves open."""
    said = [top1_doubt(parity)]
    if overflows_here(profile, made):
        why = f"8-bit weights overflow in this machine's int8 kernels, and not on {made.target}"
        said.append(
            f"parity was computed in float from the int8 file: {why}; edgekit profile --device compares outputs there"
        )
    return tuple(filter(None, said))


def check_claims(
    prepared: Prepared, profile: ExportProfile, folder: Path, made: Made, half_compute: bool = False
) -> Audit:
    """Audit the file with the runtime's own account of it."""
    what = f"{prepared.card.id} {profile.name}"
    asked = agent_request(folder, made)
    # On x86 ONNX Runtime computes in float what it has int8 kernels for on the target.
    asked["signed_int8"] = profile.format == "onnx" and profile.precision == "int8" and wants_signed(made.target)
    facts = ask_here(InspectAnswer, RUNTIME_OF[profile.format], asked, TIMEOUT_S, f"inspecting {what}")
    request = AuditRequest(
        facts=facts,
        model_file=(folder / made.files[0]).resolve(),
        profile=profile,
        inputs=made.inputs,
        outputs=made.outputs,
        float_nodes=made.float_nodes,
        float_compute=made.float_compute,
        half_compute=half_compute,
    )
    return run_isolated(jobs.audit, request, TIMEOUT_S, f"auditing {what}", imports=audit_imports(profile.format))


def agent_request(folder: Path, made: Made) -> dict[str, Any]:
    """What every request to the agent about the converted file says."""
    return {"model": str((folder / made.files[0]).resolve()), "threads": 1}
