"""The functions that an export runs in child processes; PyTorch and the converters are imported there only."""

from __future__ import annotations

from ...base.processes.isolate import quick_imports
from ...convert.job import Described
from ...types import Audit, FloatCost, LayerErrors
from ..requests import (
    AllowHalf,
    AuditRequest,
    BuildRequest,
    BuiltNetwork,
    Clipping,
    ClippingRequest,
    ConvertRequest,
    Effects,
    EffectsRequest,
    FloatCostRequest,
    HalfRequest,
    HalfWeakness,
    LayersRequest,
    Made,
    Placement,
    PlacementRequest,
    ScoredNetwork,
    ScoresRequest,
)


def build(request: BuildRequest) -> BuiltNetwork:
    """Build a network and its float reference; see :func:`edgekit.artifacts.children.network.build`."""
    with quick_imports():
        from . import network as convert
    return convert.build(request)


def convert(request: ConvertRequest) -> Made:
    """Rewrite, convert and quantize; see :func:`edgekit.artifacts.children.network.convert`."""
    with quick_imports():
        from . import network as convert
    return convert.convert(request)


def audit(request: AuditRequest) -> Audit:
    """Audit a converted file; see :func:`edgekit.verify.audit.audit`. There is no PyTorch to wait for."""
    with quick_imports():
        from ...verify import audit
    kept = frozenset(request.float_nodes), request.float_compute, request.half_compute
    return audit.audit(request.facts, request.model_file, request.profile, request.inputs, request.outputs, *kept)


def allow_half(request: AllowHalf) -> AllowHalf:
    """Allow float16 compute; see :func:`edgekit.convert.tflite.half_compute.allow_half_compute`."""
    with quick_imports():
        from ...convert.tflite import half_compute
    half_compute.allow_half_compute(request.file)
    return request


def describe_tflite(request: Described) -> Described:
    """Write TFLite Metadata into a file; see :func:`edgekit.convert.tflite.metadata.describe`."""
    with quick_imports():
        from ...convert.tflite import metadata
    metadata.describe(request)
    return request


def half_weakness(request: HalfRequest) -> HalfWeakness:
    """The layer that suits float16 least; see :func:`edgekit.artifacts.children.half_layers.weakest`."""
    with quick_imports():
        from . import half_layers
    return half_layers.weakest(request)


def effects(request: EffectsRequest) -> Effects:
    """What forms change in a network; see :func:`edgekit.artifacts.children.form_effects.effects`."""
    with quick_imports():
        from . import form_effects
    return form_effects.effects(request)


def layer_errors(request: LayersRequest) -> LayerErrors:
    """Errors of every layer of an int8 file; see :func:`edgekit.artifacts.children.layer_errors.measure`."""
    with quick_imports():
        from . import layer_errors as layer_errors_job
    return layer_errors_job.measure(request)


def place(request: PlacementRequest) -> Placement:
    """What to keep in float and to store in two tensors; see :func:`edgekit.artifacts.children.placement.place`."""
    with quick_imports():
        from . import network, placement
    with network.one_thread():
        return placement.place(request, network.unnamed_network(request.network, request.profile)[0])


def clipping(request: ClippingRequest) -> Clipping:
    """How sure the ranges are; see :func:`edgekit.artifacts.children.placement.clipping`."""
    with quick_imports():
        from . import network, placement
    with network.one_thread():
        return placement.clipping(request, network.unnamed_network(request.network, request.profile)[0])


def float_cost(request: FloatCostRequest) -> FloatCost:
    """What float tensors and second scales cost; see :func:`edgekit.artifacts.children.float_cost.measure`."""
    from . import float_cost as float_cost_job

    return float_cost_job.measure(request)


def scores(request: ScoresRequest) -> ScoredNetwork:
    """Run a float network over the images of an evaluation; see :func:`edgekit.artifacts.children.scores.scores`."""
    with quick_imports():
        from . import scores as evaluate_network
    return evaluate_network.scores(request)
