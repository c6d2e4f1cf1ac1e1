"""The requests to the child processes of an export, and their answers: frozen values, with paths for large data."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ..convert.job import Converted
from ..types import (
    Audit,
    CheckpointReading,
    ExportProfile,
    Format,
    Frozen,
    LayerLoad,
    ModelCard,
    Precision,
    Rewrite,
    TargetClass,
    TensorSpec,
    WeightsProvenance,
)
from ..types.answers import InspectAnswer


class BuildRequest(Frozen):
    """A network to build.

    Attributes:
        weights: checkpoint; None for seeded random weights.
        num_classes: of random weights; for a checkpoint the count that it is to have.
        parity: images to compute the reference on, ``.npy``, uint8 ``(N, H, W, C)``.
        calibration: the calibration images, ``.npy``; None where they are those of ``parity``.
        folder: takes ``state.pt``, the weights, and ``reference.npy``, float32 ``(N, classes)``.
    """

    card: ModelCard
    weights: Path | None
    num_classes: int | None
    reading: CheckpointReading = CheckpointReading()
    parity: Path
    calibration: Path | None
    folder: Path


class BuiltNetwork(Frozen):
    """What is known of a network that was built; ``layers`` are those with multiply-accumulates.

    Attributes:
        card: with the class count and the conventions that the weights brought.
        classes: names of the classes by number that the weights' file holds, if any.
        ranges: of its tensors, as quantization-aware training learnt them; see ``training.fake_quant``.
    """

    card: ModelCard
    provenance: WeightsProvenance
    ranges: dict[str, tuple[float, float]] = Field(default_factory=dict)
    classes: tuple[str, ...] = ()
    params: int
    macs: int
    layers: tuple[LayerLoad, ...]


class NetworkSource(Frozen):
    """What a child needs to build the network of a :class:`BuildRequest` again.

    Attributes:
        state: file of its weights.
        layout: of the checkpoint that the weights came from, see ``WeightsProvenance``.
        calibration: the calibration images, ``.npy``; their ranges decide how tensors with two scales are split.
        ranges: those that were learnt, as of :class:`BuiltNetwork`.
    """

    card: ModelCard
    state: Path
    layout: str
    calibration: Path | None = None
    ranges: dict[str, tuple[float, float]] = Field(default_factory=dict)


class ConvertRequest(Frozen):
    """A network to rewrite, convert and quantize into ``folder``; ``pixels`` are the calibration images, ``.npy``."""

    network: NetworkSource
    profile: ExportProfile
    target: TargetClass
    pixels: Path
    folder: Path


class Made(Converted):
    """A converted file that is not verified yet.

    Attributes:
        target: class of the CPU that it was made for.
        float_layers: paths of the layers that stay in float; ``float_names`` their names in the rewritten network.
        float_compute: convolutions and linear layers among them.
    """

    target: TargetClass
    float_layers: tuple[str, ...]
    float_names: tuple[str, ...]
    float_compute: int
    rewrites: tuple[Rewrite, ...]
    tool_versions: dict[str, str]


class AuditRequest(Frozen):
    """A file to audit; ``facts`` are the runtime's own account of it, from the agent.

    ``half_compute``: the file must carry the permission to compute in float16.
    """

    facts: InspectAnswer
    model_file: Path
    profile: ExportProfile
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    float_nodes: tuple[str, ...]
    float_compute: int
    half_compute: bool = False


class AllowHalf(Frozen):
    """A float TFLite file that gets the permission to compute in float16; it changes in place."""

    file: Path


class HalfRequest(Frozen):
    """A network that loses too much in float16 arithmetic; ``pixels`` are images, ``.npy``, uint8 ``(N, H, W, C)``."""

    network: NetworkSource
    profile: ExportProfile
    pixels: Path


class HalfWeakness(Frozen):
    """Path of the layer that loses the most in float16; ``reach`` is the largest sum that any layer can have."""

    path: str
    reach: float


class ExternalRequest(Frozen):
    """An ONNX file that may have external data."""

    model_file: Path


class ExternalFiles(Frozen):
    """Names of the files beside it that hold its weights."""

    names: tuple[str, ...]


class NumbersRequest(Frozen):
    """An ONNX file, values for its inputs without dimensions by name, and where a copy with them goes."""

    model_file: Path
    values: dict[str, int]
    made: Path


class Numbers(Frozen):
    """Names of the inputs of an ONNX file that have no dimensions.

    Attributes:
        names: of all.
        fixed: of those that always have one value in the copy.
    """

    names: tuple[str, ...]
    fixed: tuple[str, ...]


class ExamineRequest(Frozen):
    """A file that edgekit did not export; ``facts`` as of :class:`AuditRequest`, ``shapes`` of its inputs by name."""

    facts: InspectAnswer
    model_file: Path
    format: Format
    shapes: dict[str, tuple[int, ...]]


class NodesRequest(ExamineRequest):
    """A file whose operators are wanted, in order."""


class NamedNode(Frozen):
    """An operator of a file: its own name, and those of the tensors that it writes."""

    name: str
    outputs: tuple[str, ...]


class FileNodes(Frozen):
    """The operators of a file, in order; none where the package that reads its format is not installed."""

    nodes: tuple[NamedNode, ...]


class Examined(Frozen):
    """What was found in a file.

    Attributes:
        precision: as its runtime executes most convolutions and matrix products.
        macs: multiply-accumulates of one inference; None where a shape is not known.
        parameters: elements of its weights; None where the file was not read.
    """

    audit: Audit
    precision: Precision
    macs: int | None
    parameters: int | None


class FormRewrites(Frozen):
    """What a form asks of the passes and the quantizer."""

    rewrites: tuple[str, ...]
    keep_float: tuple[str, ...]


class EffectsRequest(Frozen):
    """Forms to try on a network, by name, without a conversion."""

    network: NetworkSource
    forms: dict[str, FormRewrites]


class Effects(Frozen):
    """What forms change in a network.

    Attributes:
        rewrites: by form, what its passes did.
        kept: by form, paths of the layers that stay in float.
        failed: by form, what its passes raised.
    """

    rewrites: dict[str, tuple[Rewrite, ...]]
    kept: dict[str, tuple[str, ...]]
    failed: dict[str, str]


class LayersRequest(Frozen):
    """An int8 file whose layers are compared with the float network's.

    Attributes:
        calibration, pixels: images, ``.npy``, uint8 ``(N, H, W, C)``; the layers are compared on ``pixels``.
        plain: the file's stored outputs on ``pixels``, ``.npy``.
        made: what the converter said of the file.
        exact_int8: its sums overflow in this machine's int8 kernels, and not in its target's.
    """

    network: NetworkSource
    profile: ExportProfile
    calibration: Path
    pixels: Path
    model_file: Path
    plain: Path
    made: Made
    exact_int8: bool


class PlacementRequest(Frozen):
    """An int8 network of which some tensors may stay in float or get two scales.

    Attributes:
        calibration: images, ``.npy``, uint8 ``(N, H, W, C)``.
        most_float: share of multiply-accumulates that may go to float.
        budget_db: SQNR at which the search ends; where the simulation is above the artifact, by so much later.
        measured_db: that of the artifact without any move. If the simulation is far above it, the ranges clip unknown
            images, and the search judges on unknown images.
    """

    network: NetworkSource
    profile: ExportProfile
    target: TargetClass
    calibration: Path
    most_float: float
    measured_db: float
    budget_db: float


class ClippingRequest(Frozen):
    """An int8 network and what gave its ranges.

    Attributes:
        calibration: images, ``.npy``, uint8 ``(N, H, W, C)``.
    """

    network: NetworkSource
    profile: ExportProfile
    target: TargetClass
    calibration: Path


class Clipping(Frozen):
    """How sure ranges are.

    Attributes:
        images: number of calibration images.
        lost_db: loss on one half of them with the ranges of the other half; None when there are too few to tell, or too
            many to simulate.
    """

    images: int
    lost_db: float | None


class FloatCostRequest(Frozen):
    """Files of one network and format.

    Attributes:
        before, after: in int8, without what accuracy needs in float or in two scales, and with it.
        float32: the same network in float32.
        inputs: of each of the three.
    """

    format: Format
    before: Path
    after: Path
    float32: Path
    inputs: tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...], tuple[TensorSpec, ...]]


class PlacedMove(Frozen):
    """A step of a search, see :class:`edgekit.convert.int8.placement.Move`; layers are called by their paths.

    Attributes:
        weighted: convolutions and linear layers among ``float_layers``.
    """

    float_layers: tuple[str, ...] = ()
    two_scales: str = ""
    weighted: int = 0
    share: float
    sqnr_db: float


class Placement(Frozen):
    """What a search found, in order.

    Attributes:
        sqnr_db: the simulated one before the first move.
    """

    sqnr_db: float
    moves: tuple[PlacedMove, ...]
    clipping: Clipping


class ScoresRequest(Frozen):
    """A float network to run over the images of an evaluation.

    Attributes:
        weights: checkpoint; None for seeded random weights.
        source: folder or ``.npz`` file that the user named.
        paths: image files in order; empty where the images are in ``array``.
        array: ``.npy``, see ``base.image_arrays``.
        outputs: takes the scores, ``.npy``, float32 ``(N, classes)``.
    """

    card: ModelCard
    weights: Path | None
    num_classes: int | None
    reading: CheckpointReading = CheckpointReading()
    source: str
    paths: tuple[Path, ...]
    array: Path | None
    outputs: Path


class ScoredNetwork(Frozen):
    """The weights that gave the scores, in words; their digest, and the class names from their file."""

    weights: str
    sha256: str
    classes: tuple[str, ...] = ()
