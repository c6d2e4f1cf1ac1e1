"""Make one artifact of a user's own network."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ... import __version__
from ...base.files import sha256_file, staged_folder
from ...base.processes.isolate import run_isolated
from ...base.progress import Progress, Step, telling
from ...convert.any.refused import refused, runtime_refusal
from ...errors import ToolError, VerificationError
from ...forms.own import ALL_INT8
from ...forms.resolve import AS_WRITTEN, target_of
from ...types import RUNTIME_OF, Artifact, ChosenForm, ExportProfile, Parity, Stored, TensorSpec, WeightsProvenance
from ...types.answers import InspectAnswer
from ..children import foreign_jobs, own_jobs
from ..children.asking import ask_here
from ..children.imports import examination, own_conversion
from ..described import describe_file
from ..foreign import ends_of
from ..manifest import entry, profile_words
from ..requests import Examined, ExamineRequest
from ..snippet.write import write_snippet
from ..store import artifact_folder, write_manifest
from .compare import TIMEOUT_S, bounds_of, compare_outputs
from .network import SETS, OwnNetwork
from .requests import OwnConvertRequest, Program

if TYPE_CHECKING:
    from ...convert.any.job import AnyConverted

EDGES = "at most one value in a thousand is off by more than the bound"
ROUNDING = "the network itself makes so much of one step of float32 in its inputs"


def make(network: OwnNetwork, profile: ExportProfile, progress: Progress) -> Stored:
    """Make one artifact at ``<out>/<name>/<profile>``; what was there stays unless the new one is verified.

    Raises:
        VerificationError: an output is too far from the network's.
        EdgekitError: the conversion failed.
    """
    progress = telling(f"{network.name} {profile.name}", progress)
    start = time.monotonic()
    final = artifact_folder(network.options.out, network.name, profile.name)
    program = network.program(profile.rewrites)
    with staged_folder(final) as folder:
        progress(Step("converting"))
        made = run_isolated(
            own_jobs.convert,
            OwnConvertRequest(
                program=None if network.file is not None else program.path.resolve(),
                traced=None if network.file is not None else network.program(()).path.resolve(),
                file=None if network.file is None else program.path.resolve(),
                profile=profile,
                target=target_of(profile),
                sets=network.work / SETS,
                inputs=tuple(one.name for one in network.traced.inputs),
                outputs=tuple(one.name for one in network.traced.outputs),
                folder=folder,
                bounds=bounds_of(network, profile),
                strict_int8=network.options.strict_int8 or profile.form == ALL_INT8,
            ),
            network.options.timeout_s,
            f"converting {network.name} to {profile.format}",
            imports=own_conversion(profile),
        )
        progress(Step("verifying"))
        facts, examined = examine(network, profile, folder, made)
        inputs, outputs = ends_of(facts)
        if network.made is not None:
            inputs = (inputs[0].model_copy(update={"preprocessing": network.made}),)
        describe_file(profile.format, folder / made.files[0], network.name, inputs, outputs)
        found, check = compare_outputs(network, profile, folder, made, inputs, outputs)
        failures = [f"{name}: {text}" for name, parity in found.items() for text in parity.failures]
        if profile.precision == "int8" and not examined.audit.int8_compute_ops:
            failures.append("no convolution or matrix product executes in int8")
        if failures:
            said = "; ".join([*failures, *(made.notes if profile.precision == "int8" else ())])
            raise VerificationError(said, f"nothing was kept; {remedy(network, profile)}")
        artifact = describe(network, profile, folder, made, program, examined, (inputs, outputs), found)
        artifact = artifact.model_copy(update={"convert_seconds": round(time.monotonic() - start, 2)})
        write_manifest(folder, artifact)
        write_snippet(folder, artifact, check)
    return Stored(final, artifact)


def examine(
    network: OwnNetwork, profile: ExportProfile, folder: Path, made: AnyConverted
) -> tuple[InspectAnswer, Examined]:
    """The runtime's account of the file, and the conclusions from it.

    Raises:
        UsageError: the runtime lacks an operator.
        ToolError: it cannot load the file for another reason.
    """
    file = (folder / made.files[0]).resolve()
    request = {"model": str(file), "threads": 1}
    what = f"inspecting {network.name} {profile.name}"
    try:
        facts = ask_here(InspectAnswer, RUNTIME_OF[profile.format], request, TIMEOUT_S, what)
    except ToolError as error:
        refusal = runtime_refusal(str(error), profile.format)
        if refusal is None:
            raise
        raise refused(refusal, None) from error
    shapes = {port.name: port.shape for port in facts.inputs}
    looked = ExamineRequest(facts=facts, model_file=file, format=profile.format, shapes=shapes)
    what, imports = f"auditing {network.name} {profile.name}", examination(profile.format)
    return facts, run_isolated(foreign_jobs.examine, looked, TIMEOUT_S, what, imports=imports)


def remedy(network: OwnNetwork, profile: ExportProfile) -> str:
    """Advice for an artifact of this precision that is too far from its network."""
    if profile.precision == "int8" and network.source.kind == "synthetic":
        return "int8 was calibrated on random inputs: give --calibration with inputs like those in use"
    if network.source.kind == "synthetic":
        return "random inputs may leave every output near zero: compare on real ones with --calibration"
    if profile.precision == "int8":
        return "try more inputs with --calibration, --dynamic-range, or --fp16"
    return "try a profile of your own with rewrites = [], or with other bounds under [parity]"


def describe(
    network: OwnNetwork,
    profile: ExportProfile,
    folder: Path,
    made: AnyConverted,
    program: Program,
    examined: Examined,
    ends: tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]],
    found: Mapping[str, Parity],
) -> Artifact:
    """The manifest of a verified file."""
    options = network.options
    worst = min(found.values(), key=lambda parity: parity.sqnr_db)
    wider = [
        f"{name}: the largest error may be {parity.tolerance.max_abs_error:.2g} of the largest value, as {reason}"
        for name, parity in found.items()
        if parity.tolerance.max_abs_error > profile.parity.max_abs_error
        for reason in [EDGES if profile.precision == "int8" else ROUNDING]
    ]
    advice = []
    aim = profile.quantization.aim_sqnr_db if profile.quantization else None  # what networks of the zoo go on to
    if aim is not None and worst.sqnr_db < aim and options.min_sqnr_db is None:
        advice.append(f"the worst output has less than {aim:g} dB: --min-sqnr {aim:g} keeps more in float for it")
    each = [f"parity of {name}: SQNR {parity.sqnr_db:.1f} dB" for name, parity in found.items()]
    weights, said = options.weights, network.file.artifact.notes if network.file else ()
    return Artifact(
        model=network.name,
        profile=profile.name,
        base_profile=profile.base,
        overrides=profile.overrides,
        format=profile.format,
        precision=profile.precision,
        io="float32",
        target=target_of(profile),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        files=tuple(entry(folder / name) for name in made.files),
        inputs=ends[0],
        outputs=ends[1],
        params=network.traced.params,
        macs=examined.macs,
        weights=WeightsProvenance(
            kind="file",
            source=str(weights or (network.file.artifact.origin if network.file else "the network's own code")),
            sha256=network.traced.state_sha256 if weights is None else sha256_file(weights),
            layout="",
        ),
        calibration=network.source if profile.precision == "int8" else None,
        quantization=made.quantization,
        float_layers=made.float_nodes,
        form=None if profile.form == AS_WRITTEN else ChosenForm(name=profile.form, by="name"),
        rewrites=program.rewrites,
        parity=worst,
        parity_data=network.source,
        audit=examined.audit if profile.precision == "int8" else examined.audit.model_copy(update={"float_ops": {}}),
        notes=(
            *said,
            *made.notes,
            *wider,
            *advice,
            *filter(None, [program.note]),
            *(each if len(each) > 1 else ()),
        ),
        tool_versions={"edgekit": __version__},
        command=shlex.join(["edgekit", "export", *network.words, *profile_words(profile, {})]),
        convert_seconds=0.0,
    )
