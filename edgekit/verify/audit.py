"""What an artifact really holds, checked against what its profile claims.

The facts come from the runtime itself (the agent's ``inspect``): the operators of the file, and those executed after
the runtime's own optimisation, with the types that they really read and write.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..types import HALF_COMPUTE_KEY, HALF_COMPUTE_VALUE, Audit, ExportProfile, TensorSpec
from ..types.answers import InspectAnswer, Node, Tensor
from .onnx_file import OnnxFile, read_onnx
from .roles import weights

INT8 = {"int8", "uint8"}
FLOAT = {"float32", "float16", "bfloat16"}
COMPUTE = {
    # ONNX, as ONNX Runtime executes it
    *("Conv", "FusedConv", "NhwcFusedConv", "QLinearConv", "ConvInteger", "Gemm", "FusedGemm", "QGemm", "MatMul"),
    *("FusedMatMul", "QLinearMatMul", "MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"),
    # TFLite
    *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL", "TRANSPOSE_CONV"),
    # OpenVINO, as the CPU plugin executes it
    *("Convolution", "GroupConvolution", "FullyConnected"),
}
# Those of ONNX Runtime whose weights are 8-bit whatever it lists as their inputs: packed weights are not listed.
DYNAMIC = {"ConvInteger", "MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"}
QUANTIZE = {"QUANTIZE", "QuantizeLinear", "FakeQuantize"}
DEQUANTIZE = {"DEQUANTIZE", "DequantizeLinear"}
TRANSPOSE = {"TRANSPOSE", "Transpose"}
REORDER = {"Reorder", "ReorderInput", "ReorderOutput"}  # between a runtime's own layouts and those of the file
# Operators of ONNX Runtime whose inputs begin with the result's scale and zero point: the data comes behind them.
SCALE_FIRST = {"QLinearConcat": 2}
# Type and memory-layout changes: no arithmetic of the network's own.
CONVERSIONS = {*QUANTIZE, *DEQUANTIZE, *REORDER, "Convert", "Cast", "CAST"}
MAX_RANK = 4  # GPU delegates refuse more
INT8_WEIGHTS_SHARE = 0.5  # of the constants of a file with int8 weights; depthwise weights and biases may stay float


def audit(
    facts: InspectAnswer,
    model_file: Path,
    profile: ExportProfile,
    inputs: tuple[TensorSpec, ...],
    outputs: tuple[TensorSpec, ...],
    float_nodes: frozenset[str] = frozenset(),
    float_compute: int = 0,
    half_compute: bool = False,
) -> Audit:
    """Audit one artifact.

    Args:
        facts: the agent's ``inspect`` of ``model_file``.
        model_file: the file that a runtime opens.
        profile: what it claims to be.
        inputs: what the manifest is going to say about them.
        outputs: likewise.
        float_nodes: names in the file of the operators that an int8 artifact keeps in float on purpose.
        float_compute: how many of them are convolutions or matrix products.
        half_compute: it is to say that CPUs which can may compute it in float16; no other file may.
    """
    file = read_onnx(model_file) if profile.format == "onnx" else None
    if file is not None:
        facts = file.added_to(facts)
    asks = profile.format == "tflite" and allows_half_compute(model_file)
    result = account(facts).model_copy(update={"half_compute": asks})
    failures = broken_claims(result, facts, profile, inputs, outputs)
    if asks != half_compute:
        failures.append(f"the file {'asks' if asks else 'does not ask'} for float16 compute")
    if file is not None:
        failures += newer_than_claimed(file, profile)
    if profile.precision == "int8":
        failures += broken_int8(result, facts.executed, profile, float_nodes, float_compute)
    else:
        result = result.model_copy(update={"float_ops": {}})
    return result.model_copy(update={"failures": tuple(failures)})


def account(facts: InspectAnswer) -> Audit:
    """What a file holds and what its runtime makes of it, whatever it claims to be.

    Args:
        facts: the agent's ``inspect`` of the file; for ONNX with the operators and tensors of :func:`read_onnx`.
    """
    executed = facts.executed
    constants = [t for t in facts.tensors if t.constant]
    compute = [n for n in executed if n.type in COMPUTE]
    in_int8 = [n for n in compute if reads_int8(n)]
    delegate = facts.delegate
    return Audit(
        ops=counts(facts.nodes),
        executed=counts(executed),
        int8_compute_ops=len(in_int8),
        float_compute_ops=len(compute) - len(in_int8),
        int8_weight_ops=sum(1 for n in compute if n.type in DYNAMIC or set(n.inputs[1:2]) & INT8),
        float_ops=counts(float_ops(executed)),
        int8_weight_bytes=sum(t.bytes or 0 for t in constants if t.dtype in INT8),
        float_weight_bytes=sum(t.bytes or 0 for t in constants if t.dtype in FLOAT),
        transposes=sum(1 for n in executed if n.type in TRANSPOSE),
        reorders=sum(1 for n in executed if n.type in REORDER),
        quantize_ops=sum(1 for n in executed if n.type in QUANTIZE),
        dequantize_ops=sum(1 for n in executed if n.type in DEQUANTIZE),
        delegate=delegate.name if delegate else None,
        delegated_ops=delegate.delegated if delegate else None,
        delegate_partitions=delegate.partitions if delegate else None,
        undelegated=delegate.undelegated if delegate else {},
        max_rank=max((len(t.shape or ()) for t in facts.tensors if is_activation(t)), default=0),
    )


def is_activation(tensor: Tensor) -> bool:
    """True for a tensor of known shape that an inference computes; weights are no one's layout problem."""
    return tensor.shape is not None and (
        not tensor.constant if tensor.depends_on_input is None else tensor.depends_on_input
    )


def counts(nodes: Sequence[Node]) -> dict[str, int]:
    """Nodes per type, most frequent first."""
    return dict(Counter(n.type for n in nodes).most_common())


def float_ops(executed: Sequence[Node]) -> list[Node]:
    """Executed operators that compute in float; conversions are not computation."""
    return [
        n for n in executed if n.type not in CONVERSIONS and data_type(n) in FLOAT and set(n.outputs) & (FLOAT | INT8)
    ]


def data_type(node: Node) -> str | None:
    """The type of the data that an executed operator reads; None where it reads nothing."""
    found = node.inputs[SCALE_FIRST.get(node.type, 0) :]
    return found[0] if found else None


def broken_claims(
    result: Audit,
    facts: InspectAnswer,
    profile: ExportProfile,
    inputs: tuple[TensorSpec, ...],
    outputs: tuple[TensorSpec, ...],
) -> list[str]:
    """The profile's claims that the file does not keep, in words."""
    broken = []
    for end, specs, ports in (("input", inputs, facts.inputs), ("output", outputs, facts.outputs)):
        for spec, real in zip(specs, ports, strict=True):
            if spec.dtype != real.dtype:
                broken.append(f"{end} {spec.name} is {real.dtype}, not {spec.dtype}")
            shape = [spec.batch or 1, *spec.shape[1:]]  # an open batch is inspected with one image
            if shape != list(real.shape):
                broken.append(f"{end} {spec.name} is {[*real.shape]}, not {shape}")
    if result.max_rank > MAX_RANK:
        broken.append(f"a tensor of rank {result.max_rank}: GPU delegates take at most {MAX_RANK}")
    if profile.precision in ("dynamic", "weight-only") and result.int8_weight_share < INT8_WEIGHTS_SHARE:
        broken.append(f"only {result.int8_weight_share:.0%} of the constants are int8")
    if profile.precision in ("fp32", "fp16") and result.int8_weight_bytes and not profile.bake_preprocess:
        broken.append(f"{result.int8_weight_bytes} bytes of int8 constants in a {profile.precision} artifact")
    if profile.precision == "fp16":
        wide = [t for t in weights(facts.nodes, facts.tensors) if t.dtype == "float32"]
        if wide:
            broken.append(f"{len(wide)} weight tensors are still float32, first {wide[0].name}")
    return broken


def allows_half_compute(model_file: Path) -> bool:
    """True for a TFLite file whose metadata lets CPUs compute its floats in float16."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(model_file.read_bytes(), 0)
    found = {}
    for entry in (model.Metadata(index) for index in range(model.MetadataLength())):
        data = model.Buffers(entry.Buffer()).DataAsNumpy()
        found[entry.Name()] = b"" if isinstance(data, int) else data.tobytes()  # 0 stands for no data
    return HALF_COMPUTE_VALUE.encode() in found.get(HALF_COMPUTE_KEY.encode(), b"")


def newer_than_claimed(file: OnnxFile, profile: ExportProfile) -> list[str]:
    """The versions of an ONNX file that are newer than the profile's: a runtime that is to read it may refuse it."""
    return [
        f"{name} {found}, where the profile has {wanted}"
        for name, found, wanted in (
            ("opset", file.opset, profile.opset),
            ("IR version", file.ir_version, profile.ir_version),
        )
        if found > wanted
    ]


def broken_int8(
    result: Audit, executed: Sequence[Node], profile: ExportProfile, float_nodes: frozenset[str], float_compute: int
) -> list[str]:
    """What is not int8 in an int8 artifact, and what was to stay in float and did not.

    Every convolution and matrix product but those kept in float must execute in int8. TFLite's full-integer form
    promises more: nothing else between the input and the output computes in float.
    """
    broken = []
    in_float = float_ops(executed)
    astray = [n for n in in_float if n.type in COMPUTE and not is_one_of(n, float_nodes)]
    if astray:
        total = result.float_compute_ops + result.int8_compute_ops
        broken.append(
            f"{len(astray)} of {total} convolutions and matrix products execute in float, first {astray[0].name}"
        )
    kept = result.float_compute_ops - len(astray)
    if kept != float_compute:
        broken.append(f"{kept} convolutions and matrix products stay in float, where {float_compute} are to")
    lost = [n for n in executed if is_one_of(n, float_nodes) and n.type not in CONVERSIONS and reads_int8(n)]
    if profile.format != "tflite":  # the others fuse what stands between two quantized tensors, as ONNX Runtime a sum
        lost = [n for n in lost if n.type in COMPUTE]
    if lost:
        broken.append(f"{len(lost)} operators that are to stay in float compute in int8, first {lost[0].name}")
    if result.int8_compute_ops == 0:
        broken.append("no convolution or matrix product executes in int8")
    others = counts([n for n in in_float if n.type not in COMPUTE and not is_one_of(n, float_nodes)])
    if profile.format == "tflite" and others:
        broken.append(f"operators compute in float: {', '.join(f'{count} {op}' for op, count in others.items())}")
    return broken


def reads_int8(node: Node) -> bool:
    """True for an executed operator whose data is int8."""
    return data_type(node) in INT8


def is_one_of(node: Node, names: frozenset[str]) -> bool:
    """True when an executed operator is one of the file's operators of these names.

    ONNX Runtime calls an operator that it has laid out anew ``<output>_nchwc``, one that it has copied
    ``<name>_token_<number>``, and a matrix product that it computes with its activation ``fused <name>``.
    """
    return re.sub(r"^fused |(_nchwc|_token_\d+)+$", "", node.name) in names
