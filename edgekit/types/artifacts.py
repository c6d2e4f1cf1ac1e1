"""Artifacts: their origin, and the proofs about them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import RUNTIME_OF, Format, Frozen, IoType, Name, Precision, Runtime, TargetClass
from .commands import again
from .models import ModelCard, TensorSpec
from .profiles import Overrides, ParityTolerance
from .roofline import LayerLoad
from .selection import SelectiveFloat
from .tuning import ChosenForm, Int8VsFloat, Tuning

CHECK_FILE = "check.npz"
"""An image as the artifact takes it (``input``), and the float network's output for it (``reference``)."""
LAYERS_FILE = "layers.json"
"""The error of each layer of an int8 artifact, see :class:`~edgekit.types.LayerErrors`."""
CLASSES_FILE = "classes.txt"
"""Names of the classes, one per line, by number."""


LARGEST_FILE_BYTES = 64 << 30
"""Most bytes of a file: one with holes takes no room on the disk, and hours to read."""


MOST_COUNTED = 10**15
"""Parameters or multiply-accumulates: a thousand times those of the largest networks."""


class FileEntry(Frozen):
    """A file of an artifact folder."""

    name: Name
    size_bytes: int = Field(ge=0, le=LARGEST_FILE_BYTES)
    sha256: str


class WeightsProvenance(Frozen):
    """Where the weights came from.

    Attributes:
        layout: names the checkpoint layout that was recognised.
        key: where in the file they were, keys joined by dots; empty for its own level.
        average: they are the moving average of the weights (EMA).
        other: as ``key``, of the moving average beside the weights, or of the weights beside it; it was left.
        notes: what else of the file was left out, in words.
    """

    kind: Literal["random", "file", "pretrained"]
    source: str
    sha256: str
    layout: str
    seed: int | None = None
    key: str = ""
    average: bool = False
    other: str = ""
    notes: tuple[str, ...] = ()

    @property
    def choice(self) -> str:
        """Whether the weights or their average were taken, if the file has both; else empty."""
        if not self.other:
            return ""
        way = "leave --ema out to take it" if self.average else "--ema takes it"
        taken = repr(self.key) if self.key else "the file's own level"
        return f"{taken} taken, {self.other!r} beside it left: {way}"

    @property
    def trained(self) -> bool:
        """False for random weights: latency is valid, accuracy is not claimed."""
        return self.kind != "random"


class ImageSet(Frozen):
    """Which images were used.

    Attributes:
        count: images that were read and used.
        given: images that the source holds; None in manifests from before it was kept.
        sha256: of the pixels after resize and crop.
        notes: what was left out, turned or scaled, in words.
    """

    kind: Literal["bundled", "folder", "npz", "synthetic", "dataset"]
    source: str
    count: int
    given: int | None = None
    sha256: str
    notes: tuple[str, ...] = ()


class Rewrite(Frozen):
    """An exact pass that was applied, and how many places it changed."""

    name: str
    count: int
    note: str = ""


class Parity(Frozen):
    """Agreement of the artifact with the float reference on the same images. Never called accuracy.

    Attributes:
        cosine_min: worst image.
        sqnr_db: over all images, dB; image_sqnr_db: against what differs between the images, None for a single one.
        max_abs: largest absolute difference of an output element; ``reference_max_abs`` is the scale to judge it by.
        top1_agree: images on which both pick the same class, of ``images``.
        judged: the criteria that decided ``passed``.
        failures: the criteria that were missed, in words.
    """

    images: int
    cosine_min: float
    sqnr_db: float
    image_sqnr_db: float | None = None
    max_abs: float
    reference_max_abs: float
    top1_agree: int
    tolerance: ParityTolerance
    judged: tuple[str, ...]
    failures: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True when no judged criterion was missed."""
        return not self.failures


class Audit(Frozen):
    """The content of the file, and how the runtime executes it on the exporting machine.

    Attributes:
        ops: operator types in the file, with counts.
        executed: operator types after the runtime's own optimisation, with counts.
        int8_compute_ops, float_compute_ops: convolutions and matrix products that execute in int8 / in float.
        int8_weight_ops: of the convolutions and matrix products, those that execute with int8 weights, whatever the
            type of the data that they read.
        float_ops: operators of an int8 artifact that execute in float, with counts (I/O conversion excluded).
        int8_weight_bytes, float_weight_bytes: constant data in the file.
        transposes: layout transposes executed; reorders: changes between the runtime's own layouts and types, such as
            blocks of eight channels, that it added itself.
        quantize_ops, dequantize_ops: conversions executed.
        delegate: name of the CPU delegate; its op counts, None where the runtime has none.
        max_rank: highest rank of an activation.
        half_compute: the file says that CPUs which can may compute its floats in float16.
        failures: claims that the file does not keep.
    """

    ops: dict[str, int]
    executed: dict[str, int]
    int8_compute_ops: int
    float_compute_ops: int
    int8_weight_ops: int = 0
    float_ops: dict[str, int] = Field(default_factory=dict)
    int8_weight_bytes: int
    float_weight_bytes: int
    transposes: int
    reorders: int = 0
    quantize_ops: int
    dequantize_ops: int
    delegate: str | None = None
    delegated_ops: int | None = None
    delegate_partitions: int | None = None
    undelegated: dict[str, int] = Field(default_factory=dict)
    max_rank: int
    half_compute: bool = False
    failures: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True when the file keeps every claim."""
        return not self.failures

    @property
    def int8_weight_share(self) -> float:
        """Share of the file's constant elements that are int8; a float counts as four bytes."""
        elements = self.int8_weight_bytes + self.float_weight_bytes / 4
        return self.int8_weight_bytes / elements if elements else 0.0

    @property
    def delegated_share(self) -> float | None:
        """Share of the file's operators that the delegate executes, or None without a delegate."""
        total = sum(self.ops.values())
        return None if self.delegated_ops is None or total == 0 else self.delegated_ops / total


class Artifact(Frozen):
    """An exported network: the content of ``manifest.json``.

    Attributes:
        profile: name of the folder; that of ``base_profile`` and the suffix of ``overrides``.
        base_profile: name of the profile in the catalog; None in manifests from before it was kept.
        overrides: what the command line changed of it; None as ``base_profile`` is.
        classes: names of the classes by number, where the weights' file holds them; also in ``classes.txt``.
        card: with the class count and the conventions that the weights brought; None in manifests from before it was
            kept.
        float_layers: paths of the layers that an int8 artifact computes in float on purpose.
        layers: what each convolution and linear layer costs; none in manifests from before it was kept.
        half_parity: of a TFLite file that CPUs which can compute in float16 (ARMv8.2 and later): computed so by force.
        origin: where a file that edgekit did not export came from; empty for edgekit's own. Of such a file nothing was
            verified: it has no parity, no counts of the network, and what it claims is what its runtime made of it.
        params, macs: of the network; None where nobody counted them.
        input_shapes: sizes that were given for inputs that the file leaves open, by name.
        input_values: what inputs without dimensions always are, as was asked for: they are inputs no more.
        parity: None where nothing was compared: the artifact is unverified.
    """

    schema_version: Literal[1] = 1
    model: Name
    card: ModelCard | None = None
    profile: Name
    base_profile: Name | None = None
    overrides: Overrides | None = None
    format: Format
    precision: Precision
    io: IoType
    target: TargetClass
    created: str
    files: tuple[FileEntry, ...] = Field(min_length=1)
    inputs: tuple[TensorSpec, ...] = Field(min_length=1)
    outputs: tuple[TensorSpec, ...] = Field(min_length=1)
    classes: tuple[str, ...] = ()
    params: Annotated[int, Field(ge=0, le=MOST_COUNTED)] | None
    macs: Annotated[int, Field(ge=0, le=MOST_COUNTED)] | None
    layers: tuple[LayerLoad, ...] = ()
    weights: WeightsProvenance
    calibration: ImageSet | None
    quantization: dict[str, str | bool] | None
    float_layers: tuple[str, ...] = ()
    rewrites: tuple[Rewrite, ...]
    form: ChosenForm | None = None
    tuning: Tuning | None = None
    int8_vs_float: Int8VsFloat | None = None
    selective_float: SelectiveFloat | None = None
    parity: Parity | None
    half_parity: Parity | None = None
    parity_data: ImageSet | None
    audit: Audit
    notes: tuple[str, ...] = ()
    tool_versions: dict[str, str]
    command: str
    convert_seconds: float = Field(ge=0, allow_inf_nan=False)
    origin: str = ""
    input_shapes: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    input_values: dict[str, int] = Field(default_factory=dict)

    @property
    def proof(self) -> tuple[Parity, ImageSet]:
        """How near an artifact that edgekit exported is to its network, and on which images."""
        assert self.parity is not None
        assert self.parity_data is not None
        return self.parity, self.parity_data

    @property
    def scores(self) -> int:
        """How many numbers the last dimension of the first output has; 1 where it is one number."""
        shape = self.outputs[0].shape
        return shape[-1] if shape else 1

    @property
    def of_the_zoo(self) -> bool:
        """False for a network of a user's own, which no card describes; old manifests lack the card alone."""
        return self.card is not None or bool(self.weights.layout) or self.weights.kind == "random"

    @property
    def again(self) -> str:
        """Advice on making the artifact again; a command of the manifest's only where it is one of ours."""
        if self.origin:
            return f"give its file again: {self.origin}"
        return again(self.command)

    @property
    def float_macs_share(self) -> float:
        """Share of the multiply-accumulates that an int8 artifact computes in float on purpose, 0 to 1."""
        total = sum(layer.macs for layer in self.layers)
        kept = sum(layer.macs for layer in self.layers if layer.name in self.float_layers)
        return kept / total if total else 0.0

    @property
    def size_bytes(self) -> int:
        """Bytes that a device must store: the model files, without the manifest, check data and measurements."""
        return sum(f.size_bytes for f in self.model_files)

    @property
    def model_files(self) -> tuple[FileEntry, ...]:
        """What a runtime needs."""
        return tuple(f for f in self.files if f.name not in (CHECK_FILE, LAYERS_FILE, CLASSES_FILE))

    @property
    def runtime(self) -> Runtime:
        """The runtime that executes this format."""
        return RUNTIME_OF[self.format]

    @property
    def batch(self) -> int | None:
        """Images of one inference; None where the caller chooses."""
        return self.inputs[0].batch

    @property
    def model_file(self) -> str:
        """Name of the file that the runtime opens."""
        return self.files[0].name

    @property
    def sha256(self) -> str:
        """Digest of the model file."""
        return self.files[0].sha256
