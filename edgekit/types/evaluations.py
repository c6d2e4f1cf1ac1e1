"""Accuracy against labels, and agreement with another network on the same images; every rate with its interval."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Frozen, Name, Precision


class Rate(Frozen):
    """``hits`` of ``count`` images; ``low`` and ``high`` are the 95 % Wilson interval, as shares."""

    hits: int
    count: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.hits / self.count


class PairedDrop(Frozen):
    """What top-1 accuracy loses against a reference on the same images.

    Attributes:
        both, subject_only, reference_only, neither: images by who is right.
        low, high: 95 % interval of ``drop`` (Newcombe 1998, method 10, for paired proportions).
        p_value: exact McNemar test that the two are equally often right.
    """

    both: int
    subject_only: int
    reference_only: int
    neither: int
    low: float
    high: float
    p_value: float

    @property
    def drop(self) -> float:
        """Share of images that the reference gets right, minus that of the subject; negative for a gain."""
        count = self.both + self.subject_only + self.reference_only + self.neither
        return (self.reference_only - self.subject_only) / count


class DropVerdict(Frozen):
    """Whether an artifact's loss of top-1 stays within a limit.

    Attributes:
        max_drop: the limit, in points of top-1.
        status: PASS: proven within; FAIL: proven beyond; INCONCLUSIVE: the interval holds the limit.
        reason: a sentence.
        images_needed: about how many images would tell, if the rates stay as they are; None where the drop lies so near
            the limit that ten millions would not.
    """

    max_drop: float = Field(ge=0, le=100)
    status: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    reason: str
    images_needed: int | None = None


class Scored(Frozen):
    """The source of scores: an artifact (``sha256`` of its model file) or a float network (of its weights).

    Attributes:
        precision: of an artifact; None of a network, and in evaluations from before it was kept.
        weights_sha256: of the weights that an artifact was made from; empty where they are not known.
    """

    kind: Literal["artifact", "network"]
    model: str
    name: str
    sha256: str
    precision: Precision | None = None
    weights_sha256: str = ""

    def is_float_of(self, other: Scored) -> bool:
        """True of a float network, and of a float32 artifact that was made from the same weights as ``other``."""
        same = bool(self.weights_sha256) and self.weights_sha256 == other.weights_sha256
        return self.kind == "network" or (self.precision == "fp32" and same)


class Evaluation(Frozen):
    """Result of ``edgekit evaluate``.

    Attributes:
        data: where the images came from; ``classes`` is the length of a score vector.
        top1, top5: against labels; None without labels, top5 also below ten classes.
        reference_top1: the reference's own.
        agreement: images on which subject and reference pick the same class.
        drop: top-1 lost against the reference, paired.
        sqnr_db, image_sqnr_db: see :class:`~.artifacts.Parity`.
        verdict: on the drop, where a limit was given.
        device: where the subject ran; None for this machine without an entry.
        evaluated_at: when, ISO 8601 in UTC.
        notes: what has to be known to read the figures.
    """

    schema_version: Literal[1] = 1
    subject: Scored
    reference: Scored | None = None
    data: str
    images: int
    classes: int
    top1: Rate | None = None
    top5: Rate | None = None
    reference_top1: Rate | None = None
    agreement: Rate | None = None
    drop: PairedDrop | None = None
    sqnr_db: float | None = None
    image_sqnr_db: float | None = None
    verdict: DropVerdict | None = None
    device: Name | None = None
    evaluated_at: str = ""
    notes: tuple[str, ...] = ()

    @property
    def of_float(self) -> bool:
        """True where the drop is against the float network, or what stands for it."""
        return self.drop is not None and self.reference is not None and self.reference.is_float_of(self.subject)

    @property
    def drop_text(self) -> str:
        """The drop in points with its interval, in words; empty where there is none."""
        if self.drop is None:
            return ""
        drop = self.drop
        between = f"95 %: {100 * drop.low:+.2f} to {100 * drop.high:+.2f}"
        return f"{100 * drop.drop:+.2f} points ({between}) on {self.images} images of {self.data}"


class KeptEvaluations(Frozen):
    """The evaluations of an artifact: the content of ``evaluations.json``, beside its manifest.

    Untrusted input, as the manifest is: whoever can write the folder can write it.

    Attributes:
        artifact: digest of the model files that were evaluated; another one makes all of it stale.
        evaluations: the latest last; one for the same images, reference and device.
    """

    schema_version: Literal[1] = 1
    artifact: str = Field(pattern=r"^[0-9a-f]{64}$")
    evaluations: tuple[Evaluation, ...] = Field(max_length=64)
