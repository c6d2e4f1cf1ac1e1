"""A float ONNX model of any kind in int8, with chosen operators in float."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.target import saturates
from ..int8.ranges import OUTLIERS
from ..int8.tensor_effect import Effect, touched
from ..int8.tensor_noise import Observed, Touched, holds
from ..onnx.bias_room import make_room
from ..onnx.concat import Override, tie_ranges
from ..onnx.gates import end_at_floor
from ..onnx.weights import weight_overrides
from .fallback import Arrays
from .job import AnyJob
from .onnx_float import faster_in_float, note

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


class OnnxKit:
    """See :class:`edgekit.convert.any.fallback.Kit`; the ranges are from all calibration inputs.

    Args:
        model: in float.
        job: says how; its folder takes the files until :meth:`close`.
    """

    def __init__(self, model: ModelProto, job: AnyJob) -> None:
        import onnx
        from onnxruntime.quantization.shape_inference import quant_pre_process

        self.job = job
        self.ways, self.outliers = OUTLIERS, 0
        plain, self.ready, self.int8 = (job.folder / name for name in ("float.onnx", "ready.onnx", "int8.onnx"))
        onnx.save_model(model, plain)
        quant_pre_process(str(plain), str(self.ready), skip_symbolic_shape=True)
        plain.unlink()
        self.model = onnx.load_model(self.ready)
        name_nodes(self.model)
        tables = give_own_biases(self.model)
        self.seen, self.expected = self.observed()
        self.unbounded = self.find_unbounded() | grouped_upsampling(self.model) | limits_off_zero(self.model) | tables
        make_room(self.model, {name: (one.low, one.high) for name, one in self.seen.items() if one.finite})
        onnx.save_model(self.model, self.ready)
        self.slow = frozenset() if job.strict_int8 else faster_in_float(self.model, self.seen)

    def note(self) -> tuple[str, ...]:
        """A line on what stays in float for speed."""
        return note(self.model, self.slow)

    def observed(self) -> tuple[dict[str, Observed], Arrays]:
        """What every float tensor holds, and the outputs."""
        import onnx
        import onnxruntime

        wide = onnx.ModelProto()
        wide.CopyFrom(self.model)
        ends = [end.name for end in wide.graph.output]
        made = {name for node in wide.graph.node for name in node.output} - set(ends)
        between = [
            info
            for info in wide.graph.value_info
            if info.name in made and info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        ]
        wide.graph.output.extend(between)
        session = onnxruntime.InferenceSession(wide.SerializeToString(), providers=["CPUExecutionProvider"])
        names = [end.name for end in session.get_outputs()]
        seen: dict[str, Observed] = {}
        outputs: list[list[Any]] = [[] for _ in ends]
        for row in Rows(self.job):
            values = dict(zip(names, session.run(names, row), strict=True))
            for place, name in enumerate(ends):
                outputs[place].append(values[name])
            for name, array in (row | values).items():
                if array.dtype == np.float32:
                    if name not in seen:  # of the network's own inputs and outputs nothing is left out
                        whole = name in row or name in ends
                        seen[name] = Observed(1, self.job.count, 0 if whole else max(self.ways))
                    seen[name].add(array)
        return seen, [np.stack(rows) for rows in outputs]

    def find_unbounded(self) -> frozenset[str]:
        """Names of the operators that make or read infinite values, which no scale holds."""
        from onnx import TensorProto
        from onnx.numpy_helper import to_array

        infinite = {name for name, one in self.seen.items() if not one.finite}
        for one in self.model.graph.initializer:
            if one.data_type == TensorProto.FLOAT and not holds(to_array(one)):
                infinite.add(one.name)
        return frozenset(node.name for node in self.model.graph.node if infinite & {*node.input, *node.output})

    def tensors(self, effects: Sequence[Effect]) -> tuple[Sequence[Touched], Mapping[str, int]]:
        """The tensors that the last int8 file rounds, and the multiply-accumulates by the operators' names."""
        import onnx

        rounded = {node.input[0] for node in onnx.load_model(self.int8).graph.node if node.op_type == "QuantizeLinear"}
        held = {name: one for name, one in self.seen.items() if name in rounded}
        operators: dict[str, set[str]] = {name: set() for name in held}
        for node in self.model.graph.node:
            for name in (*node.input, *node.output):
                if name in operators:
                    operators[name].add(node.name)
        shapes = {one.name: tuple(one.dims) for one in self.model.graph.initializer}
        graph = self.model.graph
        for info in (*graph.value_info, *graph.input, *graph.output):
            shapes[info.name] = tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim)
        return (
            touched(held, operators, effects, str),
            {node.name: macs_of(node, shapes) for node in graph.node},
        )

    def quantized(self, kept: frozenset[str]) -> Path:
        """Static QDQ: uint8 activations, int8 weights.

        Where the target saturates, weights are scaled by their largest pair; those of products and transposed
        convolutions lose a bit.
        """
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        float_nodes = sorted(kept | self.unbounded | self.slow)
        ends = {name: one.ends(self.outliers) for name, one in self.seen.items() if one.finite}
        chosen: dict[str, Override] = {
            name: [{"rmin": np.float32(low), "rmax": np.float32(high)}]
            for name, (low, high) in ends.items()
            if low < high
        }
        chosen |= tie_ranges(self.ready, Rows(self.job), chosen, float_nodes, symmetric=False)
        chosen |= end_at_floor(self.ready, Rows(self.job), chosen, float_nodes)
        if saturates(self.job.target):
            chosen |= weight_overrides(self.model)
        quantize_static(
            self.ready,
            self.int8,
            Rows(self.job, 1),  # the ranges are known
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=saturates(self.job.target),
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=float_nodes,
            extra_options={"TensorQuantOverrides": chosen},
        )
        return self.int8

    def outputs(self, file: Path) -> Arrays:
        """Of a file, on the calibration inputs."""
        import onnxruntime

        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        rows = [session.run(None, row) for row in Rows(self.job)]
        return [np.stack(column) for column in zip(*rows, strict=True)]

    def close(self) -> None:
        """Remove the files."""
        for file in (self.ready, self.int8):
            file.unlink(missing_ok=True)


class Rows:
    """Sets of inputs, one at a time, also as ONNX Runtime's calibrator asks for them; all of them, or the first."""

    def __init__(self, job: AnyJob, count: int | None = None) -> None:
        self._rows = (job.row(number) for number in range(job.count if count is None else count))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self._rows

    def get_next(self) -> dict[str, Any] | None:
        """The next set, or None at the end."""
        return next(self._rows, None)


def give_own_biases(model: ModelProto) -> frozenset[str]:
    """Give every layer a bias of its own and of one dimension, in place; names of the Gemms that have a table instead.

    The quantizer reads no other, and writes a shared one again under a name that may be taken.
    """
    from onnx import numpy_helper

    constants = {one.name: one for one in model.graph.initializer}
    uses = Counter(name for node in model.graph.node for name in node.input)
    tables = set()
    for node in model.graph.node:
        if node.op_type not in ("Conv", "ConvTranspose", "Gemm") or len(node.input) < 3 or not node.input[2]:
            continue
        if not {*node.input[1:]} <= constants.keys():
            continue
        bias = numpy_helper.to_array(constants[node.input[2]])
        count = bias.size
        if node.op_type == "Gemm":
            across = any(one.name == "transB" and one.i for one in node.attribute)
            count = constants[node.input[1]].dims[0 if across else 1]
        if bias.size not in (1, count) or (bias.ndim == 2 and bias.shape[-1] != count and bias.size != 1):
            tables.add(node.name)
            continue
        if bias.shape == (count,) and uses[node.input[2]] == 1:
            continue
        name = f"{node.name}/bias"
        model.graph.initializer.append(numpy_helper.from_array(np.resize(bias, count), name))
        node.input[2] = name
    return frozenset(tables)


def grouped_upsampling(model: ModelProto) -> frozenset[str]:
    """Names of the transposed convolutions of several groups: the quantizer takes the scales of one group for all."""
    return frozenset(
        node.name
        for node in model.graph.node
        if node.op_type == "ConvTranspose" and any(one.name == "group" and one.i > 1 for one in node.attribute)
    )


def limits_off_zero(model: ModelProto) -> frozenset[str]:
    """Names of the Clips that zero does not pass: the quantizer drops a Clip for its range, which always holds zero."""
    from onnx import numpy_helper

    values = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer if not one.dims}
    found = set()
    for node in model.graph.node:
        low, high = (values.get(name) for name in [*node.input[1:3], "", ""][:2])
        if node.op_type == "Clip" and ((low is not None and low > 0) or (high is not None and high < 0)):
            found.add(node.name)
    return frozenset(found)


def name_nodes(model: ModelProto) -> None:
    """Give every operator a name of its own, in place: those that have none, or share one, get their output's."""
    taken: set[str] = set()
    for node in model.graph.node:
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{node.output[0]}"
        taken.add(node.name)


def macs_of(node: NodeProto, shapes: Mapping[str, Sequence[int]]) -> int:
    """Multiply-accumulates of an operator; 0 for one that is no convolution and no matrix product."""
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    given, weight, made = (shapes.get(name, ()) for name in (node.input[0], node.input[1], node.output[0]))
    if not given or not weight or not made:
        return 0
    if node.op_type in ("Gemm", "MatMul"):
        flipped = node.op_type == "Gemm" and any(one.name == "transA" and one.i for one in node.attribute)
        return prod(made) * (given[0] if flipped else given[-1])
    return prod(weight[1:]) * prod(given if node.op_type == "ConvTranspose" else made)
