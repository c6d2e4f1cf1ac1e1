"""Export profiles: ways of making an artifact."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from .base import Format, Frozen, IoType, Name, Precision, TargetClass

BatchSize = Annotated[int, Field(ge=1, le=1024)] | Literal["dynamic"]
"""Images of one inference: a number fixed in the file, or ``dynamic`` for as many as the caller gives."""

RangeChoice = Literal["auto", "min-max", "outliers", "percentile", "mse"]

ONNX_OPSET = 18
"""Opset of ONNX files unless a profile has an older one; ONNX Runtime 1.14 and newer read it."""
ONNX_IR = 8
"""IR version of those files: the oldest that fits the opset."""


class ParityTolerance(Frozen):
    """The bounds that an artifact must keep against the float reference.

    Attributes:
        min_cosine: of the worst image.
        min_sqnr_db: signal to quantization-noise ratio over all images, dB.
        min_image_sqnr_db: the same with the mean output over the images taken out of the signal, dB: what the outputs
            of a random network share hides a wrong input (SQNR 9.8 dB, image SQNR 2.9 dB with red and blue swapped).
        max_abs_error: relative to the largest absolute reference output.
        min_top1_agreement: share of images; judged only for trained weights.
    """

    min_cosine: float = Field(le=1, allow_inf_nan=False)
    min_sqnr_db: float = Field(allow_inf_nan=False)
    min_image_sqnr_db: float | None = Field(default=None, allow_inf_nan=False)
    max_abs_error: float = Field(ge=0, allow_inf_nan=False)
    min_top1_agreement: float = Field(ge=0, le=1)


class Quantization(Frozen):
    """How int8 is made.

    Attributes:
        scheme: ``full-integer`` = weights and activations int8, activations calibrated.
        weights: granularity of the weight scales.
        activations: granularity is always per-tensor; this is the symmetry.
        keep_float: layers that stay in float: patterns (``*`` crosses dots) on a layer's path in the network as built,
            or one of the paths above it, or ``@`` and a kind (``@depthwise-conv``). A plain activation behind a
            convolution that stays in float stays with it.
        two_scales: depthwise convolutions, by their paths, whose input is stored in two tensors with a scale each: the
            channels of small range and those of large, by the calibration images. The layers that make it are written
            twice, each for a part of the channels; an exact rewrite.
        aim_sqnr_db: SQNR, dB, at the scores of trained weights, to which tensors in float and second scales bring the
            artifact as far as a tenth of the multiply-accumulates in float does. Missing it is no failure.
        ranges: how the range of an activation follows from the calibration images: ``min-max`` of all of them, the
            ``percentile`` of its values, the range of the least squared error (``mse``), or min-max without a few
            ``outliers`` an image. ``auto``: min-max, without eight outliers or without two, as a simulation of the
            network on calibration images says; the manifest says which.
        outliers: values an image that ranges without outliers leave out, half of them at each end.
        percentile: share of the values that the range holds, per cent; of ``ranges = "percentile"``.
        bias_correction: give each quantized convolution and linear layer the mean that its outputs have in float, as
            measured on the calibration images; a change on purpose, and no exact rewrite. OpenVINO's is NNCF's full
            one, in place of its fast one, or of none where rounding is compensated.
        rounding: of weights: each to the ``nearest`` step, or ``compensated`` (not ONNX): so that their errors cancel
            in what the layer gives for the calibration images; a change on purpose too, and no exact rewrite.
    """

    scheme: Literal["full-integer"] = "full-integer"
    weights: Literal["per-channel", "per-tensor"] = "per-channel"
    activations: Literal["asymmetric", "symmetric"] = "asymmetric"
    keep_float: tuple[str, ...] = ()
    two_scales: tuple[str, ...] = ()
    aim_sqnr_db: float | None = Field(default=None, allow_inf_nan=False)
    ranges: RangeChoice = "min-max"
    outliers: int = Field(default=8, ge=2, le=1000)
    percentile: float = Field(default=99.99, gt=50, le=100)
    bias_correction: bool = False
    rounding: Literal["nearest", "compensated"] = "nearest"


class Overrides(Frozen):
    """Changes that the command line made to a profile and that give another artifact, with its own folder.

    Fields are None where nothing changed. The target and the form are not here: they leave the folder's name as it is,
    and a manifest has fields for them.
    """

    io: IoType | None = None
    ranges: RangeChoice | None = None
    bake_preprocess: Literal[True] | None = None
    batch: BatchSize | None = None
    opset: int | None = None
    ir_version: int | None = None

    @property
    def suffix(self) -> str:
        """The suffix of the folder's name for them: ``-io-int8-baked``; empty without changes."""
        parts = [
            "" if self.io is None else f"-io-{self.io}",
            "" if self.ranges is None else f"-ranges-{self.ranges}",
            "" if self.bake_preprocess is None else "-baked",
            "" if self.batch is None else f"-batch-{self.batch}",
            "" if self.opset is None else f"-opset{self.opset}",
            "" if self.ir_version is None else f"-ir{self.ir_version}",
        ]
        return "".join(parts)

    @property
    def words(self) -> list[str]:
        """The options of ``edgekit export`` that ask for them."""
        words: list[str] = []
        for name, value in self.model_dump(exclude_none=True).items():
            words.append(f"--{name.replace('_', '-')}")
            if value is not True:
                words.append(str(value))
        return words


class ExportProfile(Frozen):
    """One way of making an artifact.

    Attributes:
        name: that of its file, which ``--profile`` takes; the command line may add to it; artifacts' folders have it.
        format: of the file.
        precision: of weights and activations.
        io: type of the output, and of the input too unless preprocessing is baked.
        bake_preprocess: scale and normalise inside the graph; the input is then uint8 pixels.
        batch: images of one inference; ``dynamic`` leaves the number to the caller (not TFLite).
        target: class of the CPU that will run it; ``host`` is resolved on the exporting machine.
        rewrites: exact passes, in order.
        opset: of the operators of an ONNX file; of 15, ONNX Runtime 1.10 and newer read it.
        ir_version: of an ONNX file; ONNX Runtime before 1.18 reads 9 and older, before 1.15 8.
        form: ``as-written`` applies ``rewrites``; ``best-known`` takes the form that the table of defaults knows for
            the network and target, and ``rewrites`` where it knows none; else the name of a candidate form.
        quantization: how int8 is made; goes with ``precision = "int8"``, and only with it.
        parity: what the artifact must reach.
        half_parity: of TFLite's ``fp16``: what it must reach where it is computed in float16 too, sums included. With
            these bounds the file says that CPUs which can may compute it so (ARMv8.2 and later, LiteRT); without them,
            or where it misses them, every CPU computes it in float32.
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("base_profile", "overrides")

    name: Name
    format: Format
    precision: Precision
    io: IoType = "float32"
    bake_preprocess: bool = False
    batch: BatchSize = 1
    target: Literal[TargetClass, "host"] = "host"
    rewrites: tuple[str, ...] = ()
    form: str = "as-written"
    opset: int = Field(default=ONNX_OPSET, ge=15, le=ONNX_OPSET)
    ir_version: int = Field(default=ONNX_IR, ge=ONNX_IR, le=10)
    quantization: Quantization | None = None
    parity: ParityTolerance
    half_parity: ParityTolerance | None = None
    # The profile in the catalog that the command line's overrides were applied to; no keys of a profile's file.
    base_profile: SkipJsonSchema[Name | None] = None
    overrides: SkipJsonSchema[Overrides] = Overrides()

    @property
    def base(self) -> str:
        """Name of the profile in the catalog: its own, or that of the profile it was derived from."""
        return self.base_profile or self.name

    @model_validator(mode="after")
    def _possible(self) -> ExportProfile:
        if (self.precision == "int8") != (self.quantization is not None):
            raise ValueError('a [quantization] table goes with precision = "int8", and only with it')
        if self.precision != "int8" and self.io != "float32":
            raise ValueError(f'io = {self.io!r} needs precision = "int8"; for uint8 pixels set bake_preprocess = true')
        if self.io == "int8" and self.bake_preprocess:
            raise ValueError('bake_preprocess = true takes uint8 pixels, which contradicts io = "int8"')
        return self

    @model_validator(mode="after")
    def _of_the_format(self) -> ExportProfile:
        if self.format == "tflite" and self.batch == "dynamic":
            raise ValueError("the shapes of a TFLite file are fixed; give the batch as a number")
        if self.format != "onnx" and (self.opset, self.ir_version) != (ONNX_OPSET, ONNX_IR):
            raise ValueError(f"opset and ir_version are those of ONNX files, and this is {self.format}")
        if self.half_parity is not None and (self.format, self.precision) != ("tflite", "fp16"):
            raise ValueError(f"half_parity is for TFLite fp16, and this is {self.format} {self.precision}")
        settings = self.quantization
        if self.format == "tflite" and settings is not None:
            # litert-quantizer's static recipe knows no other.
            if settings.weights != "per-channel":
                raise ValueError(f'TFLite int8 has weights = "per-channel" only, not {settings.weights!r}')
            if settings.activations != "asymmetric":
                raise ValueError(f'TFLite int8 has activations = "asymmetric" only, not {settings.activations!r}')
        if settings is not None and settings.rounding != "nearest":
            if self.format == "onnx":
                raise ValueError(f"rounding = {settings.rounding!r} is for TFLite and OpenVINO only")
            if settings.weights != "per-channel":
                raise ValueError(f'rounding = {settings.rounding!r} needs weights = "per-channel"')
        return self
