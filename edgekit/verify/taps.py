"""The tensors inside an artifact, as real numbers: what each operator made of an input.

ONNX Runtime and OpenVINO are asked for more outputs than the file has: only for tensors that lie between operators
anyway, because a result that is asked for in front of its bias or its ReLU would be computed in float. TFLite computes
with its own kernels, because a delegate keeps its tensors to itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..agent.runtimes.openvino import EXACT_INT8
from ..types import Format

Values = NDArray[np.float32]
FUSED = {"Relu", "Clip", "Clamp"}
"""Activations that runtimes compute in the operator before them."""
PRODUCTS = {"Convolution", "GroupConvolution", "MatMul"}
"""Operators of OpenVINO that have no bias of their own."""
Owners = Callable[[str], set[str]]
"""The layers that a name in the file tells of."""


@dataclass(frozen=True)
class Tap:
    """A tensor of a file.

    Attributes:
        name: in the file.
        owners: names of the layers that computed it.
        dtype: as what it is stored.
    """

    name: str
    owners: frozenset[str]
    dtype: str


@dataclass(frozen=True)
class Tapped:
    """A loaded artifact.

    Attributes:
        taps: in the order of execution.
        run: an input with batch 1, as the artifact takes it, to the values of the taps, PyTorch's layout, and the
            artifact's output as it is stored.
    """

    taps: tuple[Tap, ...]
    run: Callable[[NDArray[Any]], tuple[list[Values], NDArray[Any]]]


def tap(format_: Format, model_file: Path, owners: Owners, *, exact_int8: bool = False) -> Tapped:
    """Load a file so that it gives what its layers compute.

    With ``exact_int8`` no int8 kernels compute it, whose sums overflow on some CPUs; TFLite's overflow nowhere.
    """
    if format_ == "tflite":
        return tap_tflite(model_file, owners)
    return (tap_onnx if format_ == "onnx" else tap_openvino)(model_file, owners, exact_int8=exact_int8)


def is_fused(readers: list[str]) -> bool:
    """True when one activation alone reads a result, by the types of the operators that read it."""
    return len(readers) == 1 and readers[0] in FUSED


def without(made_by: frozenset[str], taps: list[tuple[Tap, Any]]) -> list[tuple[Tap, Any]]:
    """The taps so far, where a later operator of the same layers is fused: what came before it is not their result."""
    return [(tap, end) for tap, end in taps if tap.owners != made_by]


def tap_onnx(model_file: Path, owners: Owners, *, exact_int8: bool = False) -> Tapped:
    """The results of the operators, behind the quantization that follows them."""
    import onnx

    model = onnx.load_model(model_file)
    graph = model.graph
    stored = {t.name: onnx.helper.tensor_dtype_to_np_dtype(t.data_type).name for t in graph.initializer}
    after: dict[str, Any] = {}
    readers: dict[str, list[str]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node.op_type)
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            after.setdefault(node.input[0], node)
    taps: list[tuple[Tap, str]] = []
    for node in graph.node:
        for output in node.output:
            made_by = frozenset(owners(output))
            if not made_by:
                continue
            if is_fused(readers.get(output, [])):
                taps = without(made_by, taps)
                continue
            quantize = after.get(output)
            restore = after.get(quantize.output[0]) if quantize is not None else None
            if quantize is None or restore is None:
                taps.append((Tap(output, made_by, "float32"), output))
            else:
                taps.append((Tap(output, made_by, stored[quantize.input[2]]), restore.output[0]))
    ends = [end for _, end in taps]
    there = {output.name for output in graph.output}
    for name in dict.fromkeys(ends):
        if name not in there:
            graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnx_session(model.SerializeToString(), exact_int8=exact_int8)
    given, last = session.get_inputs()[0].name, session.get_outputs()[0].name

    def run(sample: NDArray[Any]) -> tuple[list[Values], NDArray[Any]]:
        results = session.run([last, *ends], {given: sample})
        return results[1:], results[0]

    return Tapped(tuple(tap for tap, _ in taps), run)


def onnx_session(content: bytes, *, exact_int8: bool) -> Any:
    """A session of ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if exact_int8:  # the kernels come of fusing what stands between two QDQ pairs
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def tap_tflite(model_file: Path, owners: Owners) -> Tapped:
    """The results of the operators; four dimensions are NHWC in the file and NCHW here."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        str(model_file),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    details = {int(d["index"]): d for d in interpreter.get_tensor_details()}
    given, last = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    ops = interpreter._get_ops_details()  # noqa: SLF001 - nothing public tells
    made_by = {}
    for op in ops:
        result = int(op["outputs"][0])
        # The network's output has a name of its own; the weights of its operator are still named after the layer.
        named = [i for i in op["inputs"] if i >= 0] if result == last else [result]
        found = frozenset[str]().union(*(owners(str(details[int(i)]["name"])) for i in (result, *named)))
        if found:
            made_by[result] = found
    indices = list(made_by)
    taps = tuple(Tap(str(details[i]["name"]), made_by[i], np.dtype(details[i]["dtype"]).name) for i in indices)

    def run(sample: NDArray[Any]) -> tuple[list[Values], NDArray[Any]]:
        interpreter.set_tensor(given, sample)
        interpreter.invoke()
        values = [real(interpreter.get_tensor(i), details[i]["quantization"]) for i in indices]
        return [v.transpose(0, 3, 1, 2) if v.ndim == 4 else v for v in values], interpreter.get_tensor(last)

    return Tapped(taps, run)


def real(stored: NDArray[Any], quantization: tuple[float, int]) -> Values:
    """What the integers of a tensor stand for."""
    scale, zero_point = quantization
    return (stored.astype(np.float32) - zero_point) * np.float32(scale) if scale else stored.astype(np.float32)


def tap_openvino(model_file: Path, owners: Owners, *, exact_int8: bool = False) -> Tapped:
    """The results of the operators, behind the FakeQuantize that follows them."""
    import openvino

    core = openvino.Core()
    model = core.read_model(model_file)
    known = constants(model)
    taps: list[tuple[Tap, Any]] = []
    for op in model.get_ordered_ops():
        made_by = frozenset(owners(op.get_friendly_name()))
        if not made_by or op.get_type_name() in ("Parameter", "Result", "FakeQuantize", "Convert"):
            continue
        if op.get_name() in known:
            continue
        readers = [target.get_node() for target in op.output(0).get_target_inputs()]
        if lacks_bias(op, readers, known):
            continue
        if is_fused([reader.get_type_name() for reader in readers]):
            taps = without(made_by, taps)
            continue
        rounded = next((r for r in readers if r.get_type_name() == "FakeQuantize"), None)
        dtype = "float32" if rounded is None else "8-bit"
        taps.append((Tap(op.get_friendly_name(), made_by, dtype), (op if rounded is None else rounded).output(0)))
    model.add_outputs(list({place(port): port for _, port in taps}.values()))
    # Asked of the model: a port that was an output before, as a classifier's is, gets no second one.
    order = {place(result.input_value(0)): index for index, result in enumerate(model.get_results())}
    wanted = [order[place(port)] for _, port in taps]
    way = EXACT_INT8 if exact_int8 else {}
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", **way})

    def run(sample: NDArray[Any]) -> tuple[list[Values], NDArray[Any]]:
        results = compiled(sample)
        return [np.array(results[index]) for index in wanted], np.array(results[0])

    return Tapped(tuple(tap for tap, _ in taps), run)


def place(port: Any) -> tuple[str, int]:
    """What tells an output of an OpenVINO operator from all others; friendly names need not be unique."""
    return str(port.get_node().get_name()), int(port.get_index())


def constants(model: Any) -> set[str]:
    """Names of what OpenVINO computes before it runs: constants, and weights behind their scale."""
    found: set[str] = set()
    for op in model.get_ordered_ops():
        sources = [source.get_node().get_name() for source in op.input_values()]
        if op.get_type_name() == "Constant" or (sources and found.issuperset(sources)):
            found.add(op.get_name())
    return found


def lacks_bias(op: Any, readers: list[Any], known: set[str]) -> bool:
    """True for a convolution or product of OpenVINO that only the addition of its bias reads; runtimes compute both."""
    if op.get_type_name() not in PRODUCTS or [reader.get_type_name() for reader in readers] != ["Add"]:
        return False
    return any(source.get_node().get_name() in known for source in readers[0].input_values())
