"""The vocabulary: frozen values that travel between the stages, with units in their names.

Every type rejects unknown fields. Nothing here imports a framework or a runtime.
"""

from __future__ import annotations

import json
import statistics
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Format = Literal["onnx", "tflite", "openvino"]
Precision = Literal["fp32", "fp16", "int8"]
IoType = Literal["float32", "int8", "uint8"]
Layout = Literal["NCHW", "NHWC", "NC"]
Runtime = Literal["onnxruntime", "litert", "openvino"]
TargetClass = Literal["x86-avx2", "x86-vnni", "armv8.0", "armv8.2-dot"]
VerdictName = Literal["stable", "noisy", "throttled", "emulated"]

RUNTIME_OF: dict[Format, Runtime] = {"onnx": "onnxruntime", "tflite": "litert", "openvino": "openvino"}
"""The runtime that executes each format."""


class Frozen(BaseModel):
    """A value: immutable, strict about types, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def from_plain(cls, data: object) -> Self:
        """The value of JSON-able ``data``: through JSON, where strict mode takes an array for a tuple."""
        return cls.model_validate_json(json.dumps(data))

    def to_plain(self) -> dict[str, Any]:
        """The value as JSON-able data."""
        return self.model_dump(mode="json")


# Models ------------------------------------------------------------------------------------------------------------


class Preprocessing(Frozen):
    """From an image file to the network's input: resize the short side, crop the centre, scale to [0, 1], normalise.

    Attributes:
        resize: short side after resizing, pixels.
        crop: side of the centre crop, pixels.
        mean, std: per channel, in units of [0, 1], in the order of ``channels``.
        baked: True when the artifact itself scales and normalises, so that it takes pixels 0..255.
    """

    resize: int
    crop: int
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    channels: Literal["RGB", "BGR"] = "RGB"
    mean: tuple[float, ...]
    std: tuple[float, ...]
    baked: bool = False


class QuantParams(Frozen):
    """Affine quantization of one tensor: ``real = scale * (stored - zero_point)``."""

    scale: float
    zero_point: int


class TensorSpec(Frozen):
    """An input or output of an artifact, batch included in ``shape``."""

    name: str
    shape: tuple[int, ...]
    layout: Layout
    dtype: str
    quantization: QuantParams | None = None
    preprocessing: Preprocessing | None = None


class Weights(Frozen):
    """A public checkpoint of a card.

    Attributes:
        sha256: the digest, or its first digits (torchvision puts eight of them in the file name).
        licence: as stated by the publisher; None when none is stated.
        top1, top5: published ImageNet accuracy, percent.
    """

    name: str
    url: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    licence: str | None = None
    top1: float | None = None
    top5: float | None = None
    resize: int | None = None


class Published(Frozen):
    """An accuracy figure as its source prints it, percent."""

    source: str
    top1: float
    top5: float | None = None


class ModelCard(Frozen):
    """One network variant: what to build and what it must turn out to be.

    Attributes:
        id: the name users type.
        architecture: keyword arguments of the family's builder.
        input_shape: ``(channels, height, width)``.
        params: learnable elements, BN included.
        macs: multiply-accumulates of conv and linear at ``input_shape``, batch 1 (1 MAC = 2 FLOPs).
    """

    id: str
    family: str
    aliases: tuple[str, ...] = ()
    title: str
    paper: str
    licence: str
    architecture: dict[str, str | int | float | bool]
    num_classes: int
    input_shape: tuple[int, int, int]
    preprocessing: Preprocessing
    params: int
    macs: int
    published: tuple[Published, ...] = ()
    weights: tuple[Weights, ...] = ()


# Export profiles ---------------------------------------------------------------------------------------------------


class ParityTolerance(Frozen):
    """What an artifact must reach against the float reference.

    Attributes:
        min_cosine: of the worst image.
        min_sqnr_db: signal to quantization-noise ratio over all images, dB.
        min_image_sqnr_db: the same with the mean output over the images taken out of the signal, dB: what the outputs
            of a random network share hides a wrong input (SQNR 9.8 dB, image SQNR 2.9 dB with red and blue swapped).
        max_abs_error: relative to the largest absolute reference output.
        min_top1_agreement: share of images; judged only for trained weights.
    """

    min_cosine: float
    min_sqnr_db: float
    min_image_sqnr_db: float | None = None
    max_abs_error: float
    min_top1_agreement: float


class Quantization(Frozen):
    """How int8 is made.

    Attributes:
        scheme: ``full-integer`` = weights and activations int8, activations calibrated.
        weights: granularity of the weight scales.
        activations: granularity is always per-tensor; this is the symmetry.
    """

    scheme: Literal["full-integer"] = "full-integer"
    weights: Literal["per-channel", "per-tensor"] = "per-channel"
    activations: Literal["asymmetric", "symmetric"] = "asymmetric"


class ExportProfile(Frozen):
    """One way of making an artifact.

    Attributes:
        io: type of the output, and of the input too unless preprocessing is baked.
        bake_preprocess: scale and normalise inside the graph; the input is then uint8 pixels.
        target: class of the CPU that will run it; ``host`` is resolved on the exporting machine.
        rewrites: exact passes, in order.
    """

    name: str
    format: Format
    precision: Precision
    io: IoType = "float32"
    bake_preprocess: bool = False
    target: Literal[TargetClass, "host"] = "host"
    rewrites: tuple[str, ...] = ()
    quantization: Quantization | None = None
    parity: ParityTolerance

    @model_validator(mode="after")
    def _possible(self) -> ExportProfile:
        if (self.precision == "int8") != (self.quantization is not None):
            raise ValueError('a [quantization] table goes with precision = "int8", and only with it')
        if self.precision != "int8" and self.io != "float32":
            raise ValueError(f'io = {self.io!r} needs precision = "int8"; for uint8 pixels set bake_preprocess = true')
        if self.io == "int8" and self.bake_preprocess:
            raise ValueError('bake_preprocess = true takes uint8 pixels, which contradicts io = "int8"')
        return self


# Artifacts ---------------------------------------------------------------------------------------------------------


class FileEntry(Frozen):
    """A file of an artifact folder."""

    name: str
    size_bytes: int
    sha256: str


class WeightsProvenance(Frozen):
    """Where the weights came from. ``layout`` names the checkpoint layout that was recognised."""

    kind: Literal["random", "file", "pretrained"]
    source: str
    sha256: str
    layout: str
    seed: int | None = None

    @property
    def trained(self) -> bool:
        """False for random weights: latency is valid, accuracy is not claimed."""
        return self.kind != "random"


class ImageSet(Frozen):
    """Which images were used. ``sha256`` covers the pixels after resize and crop."""

    kind: Literal["bundled", "folder", "npz", "synthetic"]
    source: str
    count: int
    sha256: str


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
    """What the file really holds, and what the runtime makes of it on the exporting machine.

    Attributes:
        ops: operator types in the file, with counts.
        executed: operator types after the runtime's own optimisation, with counts.
        int8_compute_ops, float_compute_ops: convolutions and matrix products that execute in int8 / in float.
        float_ops: operators of an int8 artifact that execute in float, with counts (I/O conversion excluded).
        int8_weight_bytes, float_weight_bytes: constant data in the file.
        transposes: layout transposes executed.
        quantize_ops, dequantize_ops: conversions executed.
        delegate: name of the CPU delegate; its op counts, None where the runtime has none.
        max_rank: highest rank of an activation.
        failures: claims that the file does not keep.
    """

    ops: dict[str, int]
    executed: dict[str, int]
    int8_compute_ops: int
    float_compute_ops: int
    float_ops: dict[str, int] = Field(default_factory=dict)
    int8_weight_bytes: int
    float_weight_bytes: int
    transposes: int
    quantize_ops: int
    dequantize_ops: int
    delegate: str | None = None
    delegated_ops: int | None = None
    delegate_partitions: int | None = None
    undelegated: dict[str, int] = Field(default_factory=dict)
    max_rank: int
    failures: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True when the file keeps every claim."""
        return not self.failures

    @property
    def delegated_share(self) -> float | None:
        """Share of the file's operators that the delegate executes, or None without a delegate."""
        total = sum(self.ops.values())
        return None if self.delegated_ops is None or total == 0 else self.delegated_ops / total


class Artifact(Frozen):
    """An exported network: the content of ``manifest.json``."""

    schema_version: Literal[1] = 1
    model: str
    profile: str
    format: Format
    precision: Precision
    io: IoType
    target: TargetClass
    created: str
    files: tuple[FileEntry, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    params: int
    macs: int
    weights: WeightsProvenance
    calibration: ImageSet | None
    quantization: dict[str, str | bool] | None
    rewrites: tuple[Rewrite, ...]
    parity: Parity
    parity_data: ImageSet
    audit: Audit
    notes: tuple[str, ...] = ()
    tool_versions: dict[str, str]
    command: str
    convert_seconds: float

    @property
    def size_bytes(self) -> int:
        """Bytes a device has to hold: the model files, without the manifest and check data."""
        return sum(f.size_bytes for f in self.files if not f.name.startswith("check"))

    @property
    def runtime(self) -> Runtime:
        """The runtime that executes this format."""
        return RUNTIME_OF[self.format]

    @property
    def model_file(self) -> str:
        """Name of the file that the runtime opens."""
        return self.files[0].name

    @property
    def sha256(self) -> str:
        """Digest of the model file."""
        return self.files[0].sha256


# Devices and measurements ------------------------------------------------------------------------------------------


class Device(Frozen):
    """Where to measure: this machine, a board behind SSH, or an emulated one.

    Attributes:
        id: names the device and the folder of its reports.
        address: host name, IP address or Host alias of the SSH config; None for this machine and emulated boards.
        user, port: what the SSH config says when None.
        python: interpreter there that has the runtimes; ``python3`` when None.
        board: id of its facts in ``boards.toml``.
        tags: words to choose devices by.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    transport: Literal["local", "ssh", "adb", "virtual"]
    # Never an option of ssh: nothing begins with a dash.
    address: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_:\[][A-Za-z0-9._:%\[\]-]*$")
    user: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")
    port: int | None = Field(default=None, ge=1, le=65535)
    python: str | None = Field(default=None, min_length=1)
    board: str | None = None
    tags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _reachable(self) -> Device:
        if self.transport == "ssh" and self.address is None:
            raise ValueError('transport = "ssh" needs an address')
        return self


class DeviceState(Frozen):
    """One look at a device. None means that the device does not offer the reading; never zero for unknown.

    Attributes:
        clock_khz, governor: per CPU name.
        temperature_c: per sensor name.
        throttled: flags that the device itself reports, in words.
        load_1m: run-queue length averaged over one minute.
    """

    unix_time: float
    load_1m: float | None = None
    clock_khz: dict[str, int] | None = None
    max_clock_khz: dict[str, int] | None = None
    governor: dict[str, str] | None = None
    temperature_c: dict[str, float] | None = None
    throttled: tuple[str, ...] | None = None


class DeviceInfo(Frozen):
    """What the measured machine is."""

    machine: str
    cpu: str
    cores: int
    system: str
    python: str
    isa: tuple[str, ...] = ()
    memory_bytes: int | None = None
    emulated: bool = False


class OpTime(Frozen):
    """Time of one operator in one inference."""

    name: str
    type: str
    ns: int


class Verdict(Frozen):
    """Whether to trust a measurement, with the reasons where not."""

    name: VerdictName
    reasons: tuple[str, ...] = ()


class Measurement(Frozen):
    """Latency of one artifact on one device: raw samples, never summaries.

    Attributes:
        settings: options of the runtime that were set to other than their defaults.
        warmup_ns, samples_ns: one entry per inference, in order.
        load_ns: from an imported runtime to a ready session, weights read.
        first_inference_ns: the first call.
        peak_rss_bytes: of a launch of its own, the whole process; None when not measured.
        baseline_rss_bytes: the same launch before the model was loaded.
        per_op: None when not asked for, or when the runtime cannot say; then ``per_op_note`` tells why.
        device_cosine, device_max_abs: output on this device for the artifact's check image against the float
            reference; None when the artifact has no check image.
    """

    schema_version: Literal[1] = 1
    model: str
    profile: str
    format: Format
    precision: Precision
    io: IoType
    artifact_sha256: str
    artifact_bytes: int
    params: int
    macs: int
    weights_kind: Literal["random", "file", "pretrained"]
    parity_cosine: float
    parity_sqnr_db: float
    parity_top1_agree: int
    parity_images: int
    device: Device
    info: DeviceInfo
    runtime: Runtime
    runtime_version: str
    accelerator: str = "cpu"
    threads: int
    settings: dict[str, str | int] = Field(default_factory=dict)
    batch: int = 1
    warmup_ns: tuple[int, ...]
    samples_ns: tuple[int, ...]
    load_ns: int
    first_inference_ns: int
    peak_rss_bytes: int | None = None
    baseline_rss_bytes: int | None = None
    per_op: tuple[OpTime, ...] | None = None
    per_op_note: str = ""
    device_cosine: float | None = None
    device_max_abs: float | None = None
    state_before: DeviceState
    state_after: DeviceState
    versions: dict[str, str]
    measured_at: str
    verdict: Verdict

    def percentile_ms(self, q: float) -> float:
        """The ``q``-th percentile (0 to 100) of the raw samples, milliseconds, linear between samples."""
        ordered = sorted(self.samples_ns)
        position = (len(ordered) - 1) * q / 100
        low = int(position)
        high = min(low + 1, len(ordered) - 1)
        return (ordered[low] + (ordered[high] - ordered[low]) * (position - low)) / 1e6

    @property
    def p50_ms(self) -> float:
        """Median latency, milliseconds."""
        return statistics.median(self.samples_ns) / 1e6

    @property
    def p90_ms(self) -> float:
        """90th percentile, milliseconds."""
        return self.percentile_ms(90)

    @property
    def p99_ms(self) -> float:
        """99th percentile, milliseconds."""
        return self.percentile_ms(99)

    @property
    def key(self) -> str:
        """File name stem of the stored report."""
        return f"{self.model}__{self.profile}__{self.runtime}-{self.accelerator}-t{self.threads}"
