"""What is known of a measurement besides its samples: of the artifact, and of what computed it."""

from __future__ import annotations

from typing import Any

from ..types import Artifact, Audit, Delegation, Verdict
from ..types.answers import BenchAnswer, Taken


def preprocessing_origin(artifact: Artifact) -> str:
    """Who says how images become the input: ``assumed`` and the like, and in words; empty where no one was asked."""
    made = artifact.inputs[0].preprocessing
    if made is None or made.origin is None or artifact.weights.kind == "random":
        return ""
    return f"{made.origin.kind}: {made.origin.source}"


def identity(artifact: Artifact) -> dict[str, Any]:
    """The arguments of a ``Measurement`` that repeat what is known of its artifact, so that a report stands alone."""
    parity = artifact.parity
    return {
        "model": artifact.model,
        "profile": artifact.profile,
        "format": artifact.format,
        "precision": artifact.precision,
        "io": artifact.io,
        "artifact_sha256": artifact.sha256,
        "artifact_bytes": artifact.size_bytes,
        "params": artifact.params,
        "macs": artifact.macs,
        "weights_kind": artifact.weights.kind,
        "preprocessing_origin": preprocessing_origin(artifact),
        "weights_sha256": artifact.weights.sha256,
        "classes": artifact.scores,
        "parity_cosine": parity and parity.cosine_min,
        "parity_sqnr_db": parity and parity.sqnr_db,
        "parity_top1_agree": parity and parity.top1_agree,
        "parity_images": parity and parity.images,
        "export_command": artifact.command,
    }


def spent_s(latency: BenchAnswer) -> float:
    """Seconds of all timed work between the two looks at the device, by the monotonic clock."""
    if latency.spent_s is not None:  # many launches, whose loading and warm-up it alone has timed
        return latency.spent_s
    timed = (latency.load_ns, latency.first_inference_ns, *latency.warmup_ns, *latency.samples_ns)
    return sum(timed) / 1e9


def played(taken: Taken | None) -> Verdict | None:
    """The verdict on an accelerator that is none, or None."""
    if taken is None or not taken.emulated:
        return None
    return Verdict(name="emulated", reasons=(f"{taken.adapter} is a CPU that plays a GPU: its latency means nothing",))


def accelerated(taken: Taken | None) -> Delegation | None:
    """What an accelerator said that it took; None where it takes a model as a whole or not at all."""
    if taken is None:
        return None
    return Delegation(
        name=taken.name,
        share=taken.gpu_ops / (taken.gpu_ops + taken.cpu_ops),
        partitions=taken.partitions,
        undelegated=taken.undelegated,
        reasons=taken.reasons,
    )


def delegation(audit: Audit) -> Delegation | None:
    """What the audit saw the CPU delegate take, or None where the runtime has none."""
    if audit.delegate is None or audit.delegated_share is None or audit.delegate_partitions is None:
        return None
    return Delegation(
        name=audit.delegate,
        share=audit.delegated_share,
        partitions=audit.delegate_partitions,
        undelegated=audit.undelegated,
    )
