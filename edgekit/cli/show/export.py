"""How an export went, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...artifacts.selective import step_text
from ...artifacts.tasks import Outcome
from ...base.listing import listing
from ...catalog import cards
from ...types import Artifact, FloatCost, FloatStep, Parity, SelectiveFloat, TensorSpec
from ...types.models import OPEN
from .console import error_lines
from .layer_errors import layer_lines
from .models import preprocessing_text
from .tune import form_lines, measured_lines

SHOWN = 0.0005
"""The smallest share to mention."""
UNKNOWN_SPEED = "int8: not known to be faster than float32; edgekit tune, with the same options, measures it"
"""Of a network of one's own: no table of defaults knows it."""


def provenance_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """What the user did not choose and has to know: random weights, bundled or synthetic images, the target class."""
    lines: list[str] = []
    for artifact in (o.artifact for o in outcomes if o.artifact is not None):
        if artifact.weights.kind == "random":
            lines.append(f"weights: random (seed {artifact.weights.seed}): latency is valid, accuracy is not claimed")
        else:
            lines.append(weights_line(artifact))
        lines += preprocessing_lines(artifact)
        images, others = artifact.calibration, artifact.proof[1]
        if images is not None and images.kind == "bundled":
            own = data_of(artifact)
            advice = (
                f"give --calibration {own}, the network's own data"
                if own
                else "give --calibration with your own images"
            )
            lines.append(f"calibration: {images.source} ({images.count}); {advice}")
        if images is not None:
            lines += [f"calibration: {note}" for note in images.notes]
            if others.sha256 == images.sha256 and artifact.of_the_zoo:
                lines.append(f"parity: on the same {images.count} images; --parity-data takes others")
        if others != images:
            lines += [f"parity: {note}" for note in others.notes]
        if images is not None and images.kind == "synthetic":
            lines.append("calibration: random inputs: expect int8 accuracy to suffer")
        if artifact.precision == "int8":
            reduced = "7-bit weights" if (artifact.quantization or {}).get("reduce_range") else "8-bit weights"
            lines.append(f"int8 target of {artifact.profile}: {artifact.target} ({reduced})")
            if artifact.int8_vs_float is None and not artifact.of_the_zoo:  # no table knows it
                lines.append(UNKNOWN_SPEED)
        lines += [f"note on {artifact.profile}: {note}" for note in artifact.notes]
        lines += form_lines(artifact)
    return list(dict.fromkeys(lines))


def weights_line(artifact: Artifact) -> str:
    """Which weights were taken from which file, and which stood beside them."""
    weights = artifact.weights
    if not artifact.of_the_zoo:
        return f"weights: {weights.source}"
    classes = artifact.scores
    facts = [f"{weights.layout} layout", f"{classes} class{'es' * (classes != 1)}"]
    if artifact.card is not None and artifact.card.architecture.get("tf_padding"):
        facts.append("padded as TensorFlow does")
    if weights.key and not weights.other:
        facts.append(f"from its {weights.key!r}")
    if weights.choice:
        facts.append(weights.choice)
    facts += weights.notes
    return f"weights: {weights.source} ({', '.join(facts)})"


def data_of(artifact: Artifact) -> str:
    """What ``--data`` calls the data set that the artifact's network is made for; empty where nobody knows."""
    card = cards().get(artifact.model)
    return "" if card is None else card.data


def preprocessing_lines(artifact: Artifact) -> list[str]:
    """How images become the input and who says so; nothing for random weights, for which any way is right."""
    made = artifact.inputs[0].preprocessing
    if made is None or made.origin is None or artifact.weights.kind == "random":
        return []
    text = f"{preprocessing_text(made)} ({made.interpolation}, {made.channels})"
    if made.origin.kind != "assumed":
        return [f"preprocessing: {text}, from {made.origin.source}"]
    return [
        f"preprocessing: ASSUMED from {made.origin.source}",
        f"  {text}",
        "  wrong values ruin accuracy in silence; they are set by --mean --std --resize --interpolation --channels",
    ]


def outcome_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """A block per artifact: how it ended, what was proven, where it is."""
    lines: list[str] = []
    for outcome in outcomes:
        source = "from cache, " if outcome.cached else ""
        lines += ["", f"{outcome.status:<18} {outcome.model} {outcome.profile} ({source}{outcome.seconds:.1f} s)"]
        if outcome.note:
            lines.append(f"  note    {outcome.note}")
        if outcome.error is not None:
            lines += error_lines(outcome.error)
        if outcome.layers is not None:
            lines += [f"  {line}" for line in layer_lines(outcome.layers)]
        if outcome.layers_error is not None:
            kept = "" if outcome.folder is None else "; the artifact is verified without them and kept"
            lines += [f"  layers  NOT MEASURED{kept}:", *error_lines(outcome.layers_error)]
        if outcome.artifact is not None:
            lines += [f"  {line}" for line in artifact_lines(outcome.artifact)]
            lines += [f"  {line}" for line in float_lines(outcome.artifact)]
            lines += [f"  {line}" for line in selection_lines(outcome.artifact.selective_float)]
            lines += [f"  {line}" for line in measured_lines(outcome.artifact)]
            lines.append(f"  saved   {outcome.folder}/{outcome.artifact.model_file}")
    done = [o for o in outcomes if o.folder is not None]
    if len(outcomes) > 1:
        states = ("converted", "failed to convert", "failed to verify", "not fast enough")
        found = {state: sum(o.status == state for o in outcomes) for state in states}
        lines += ["", ", ".join(f"{count} {state}" for state, count in found.items() if count)]
    if done:
        lines += ["", f"next: edgekit profile {done[0].folder}"]
        own = "" if done[0].artifact is None else data_of(done[0].artifact)
        if own:
            lines.append(f"      edgekit evaluate {done[0].folder} --data {own}")
    return lines


def artifact_lines(artifact: Artifact) -> list[str]:
    """Size, parity and audit of a verified artifact."""
    (parity, images), audit = artifact.proof, artifact.audit
    classes = artifact.scores
    agreement = f"top-1 {parity.top1_agree}/{parity.images}"
    if "top1" not in parity.judged:
        agreement += " (not judged: random weights)"
    if classes == 1:
        agreement = "one score: no classes to agree on"
    if not artifact.of_the_zoo:
        agreement = "the worst output" if len(artifact.outputs) > 1 else "every output"
    cosine = f"cosine {parity.cosine_min:.5f}, " if "cosine" in parity.judged else ""
    lines = [
        f"size    {artifact.size_bytes / 1e6:.2f} MB, {ends_of(artifact.inputs)} to {ends_of(artifact.outputs)}",
        (
            f"parity  {cosine}SQNR {decibels(parity)}, max abs {parity.max_abs:.3g} "
            f"of {parity.reference_max_abs:.3g}, {agreement}, on {images.source} ({parity.images})"
        ),
    ]
    if artifact.half_parity is not None:
        half = artifact.half_parity
        lines.append(
            f"float16 computed so on ARMv8.2 and later; forced here: SQNR {decibels(half)}, "
            f"top-1 {half.top1_agree}/{half.images}"
        )
    total = audit.int8_compute_ops + audit.float_compute_ops
    where = f"{audit.int8_compute_ops}/{total} in int8" if artifact.precision == "int8" else f"{total}, all in float"
    if artifact.precision in ("dynamic", "weight-only"):
        where = f"{audit.int8_weight_ops}/{total} execute with int8 weights"
        where += f", {audit.int8_weight_share:.0%} of the file's constants are int8"
    facts = [f"conv and matmul: {where}", f"{audit.transposes} transposes"]
    if audit.reorders:
        facts.append(f"{audit.reorders} reorder(s) by the runtime")
    if audit.quantize_ops or audit.dequantize_ops:
        facts.append(f"{audit.quantize_ops} quantize and {audit.dequantize_ops} dequantize executed")
    if audit.delegated_share is not None:
        facts.append(
            f"{audit.delegate} takes {audit.delegated_share:.0%} of ops in {audit.delegate_partitions} partition(s)"
        )
    lines.append(f"audit   {', '.join(facts)}")
    if audit.undelegated:
        lines.append(f"        outside the delegate: {listing(audit.undelegated)}")
    if audit.float_ops:
        lines.append(f"        in float: {listing(audit.float_ops)}")
    return lines


def float_lines(artifact: Artifact) -> list[str]:
    """How much of an int8 artifact is in float and why, and what accuracy cost; nothing where all is in int8."""
    found = artifact.selective_float
    added = found is not None and len(found.steps) > 1
    for_accuracy = found.steps[-1].macs_share if found is not None else 0.0
    by_form = artifact.float_macs_share - for_accuracy
    if artifact.precision != "int8" or (by_form < SHOWN and not added):
        return []
    parts = [f"{by_form:.1%} of MACs by the {form_words(artifact)}"] if by_form >= SHOWN else []
    parts += [f"{for_accuracy:.1%} of MACs for accuracy"] if added else []
    said = f"float   {' and '.join(parts)}"
    if found is not None and added:
        said += "; not timed here" if found.cost is None else cost_words(found.cost)
    return [said]


def form_words(artifact: Artifact) -> str:
    """Who keeps layers in float for another reason than accuracy."""
    named = artifact.form is not None and artifact.form.name not in ("as-written", "default")
    return f"form {artifact.form.name}" if named and artifact.form is not None else "profile"


def cost_words(cost: FloatCost) -> str:
    """What tensors in float and second scales cost, and whether int8 still pays."""
    without, exact = cost.without, cost.float32
    pays = "int8 is slower" if exact.slower else "int8 is faster" if exact.faster else "int8 is no faster"
    return (
        f"; it takes {1 / without.ratio:.2f}x the CPU time of int8 with nothing added, and {1 / exact.ratio:.2f}x that "
        f"of float32 ({1 / exact.high:.2f} to {1 / exact.low:.2f}): {pays} here"
    )


def selection_lines(found: SelectiveFloat | None) -> list[str]:
    """Which layers stay in float because int8 alone was not near enough, step by step."""
    if found is None:
        return []
    if len(found.steps) == 1:
        reached = f"SQNR {found.steps[0].sqnr_db:.1f} dB, {found.budget_db:g} dB asked for"
        return [f"float   nothing needs to stay in float: {reached}"]
    first, *others = (step_text(step) + why_on(step, found.budget_db) for step in found.steps)
    wish = f"{found.budget_db:g} dB {'aimed at' if found.aimed else 'asked for'}"
    return [f"float   {wish}; {first}", *(f"        + {text}" for text in others)]


def why_on(step: FloatStep, budget_db: float) -> str:
    """What a step missed besides its SQNR, in brackets."""
    return f" ({'; '.join(step.failures)})" if step.failures and step.sqnr_db >= budget_db else ""


def decibels(parity: Parity) -> str:
    """Both SQNRs: over all, and against what differs between the images."""
    image = "" if parity.image_sqnr_db is None else f" (image {parity.image_sqnr_db:.1f})"
    return f"{parity.sqnr_db:.1f} dB{image}"


def ends_of(specs: Sequence[TensorSpec]) -> str:
    """Inputs or outputs; with their names where there are several."""
    if len(specs) == 1:
        return text_of(specs[0])
    return ", ".join(f"{spec.name} {text_of(spec)}" for spec in specs)


def text_of(spec: Any) -> str:
    """A tensor as ``float32 1x224x224x3 NHWC``."""
    sizes = "x".join("N" if size == OPEN else str(size) for size in spec.shape)
    return f"{spec.dtype} {sizes} {'' if spec.layout == 'unknown' else spec.layout}".rstrip()


def outcome_plain(outcome: Outcome) -> dict[str, Any]:
    """One outcome for ``--json``."""
    return {
        "model": outcome.model,
        "profile": outcome.profile,
        "status": outcome.status,
        "from_cache": outcome.cached,
        "seconds": round(outcome.seconds, 2),
        "cpu_seconds": round(outcome.cpu_seconds, 2),
        "folder": None if outcome.folder is None else str(outcome.folder),
        "error": None if outcome.error is None else str(outcome.error),
        "hint": None if outcome.error is None else outcome.error.hint,
        "note": outcome.note,
        "layers": None if outcome.layers is None else outcome.layers.to_plain(),
        "layers_error": None if outcome.layers_error is None else str(outcome.layers_error),
        "manifest": None if outcome.artifact is None else outcome.artifact.to_plain(),
    }


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 when all that was asked for is there, 1 when one is not what it claims to be, else the first failure's code.

    A runtime that crashed while it verified proves nothing about the artifact: that is its own code, too.

    Layers that could not be measured count too: the artifact is kept, but a script is not to go on as if all were well.
    """
    if any(o.status == "failed to verify" and (o.error is None or o.error.exit_code == 1) for o in outcomes):
        return 1
    errors = [o.error for o in outcomes] + [o.layers_error for o in outcomes]
    return next((error.exit_code for error in errors if error is not None), 0)
