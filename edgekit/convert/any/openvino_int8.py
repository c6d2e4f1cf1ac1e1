"""A float OpenVINO model of any kind in int8, with chosen operators in float."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.target import saturates
from ..int8.tensor_effect import Effect, touched
from ..int8.tensor_noise import Observed, Touched
from ..openvino.gates import join_gates, part_gates
from ..openvino.pool import leave_out_padding
from ..openvino.ranges import join_ranges
from ..openvino.weights import scale_weights
from .fallback import Arrays
from .job import AnyJob

if TYPE_CHECKING:
    from openvino import Model, Node, Output

ENDS = ("Constant", "Parameter", "Result")
EXACT = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}


class OpenvinoKit:
    """See :class:`edgekit.convert.any.fallback.Kit`; NNCF finds the ranges, each time anew.

    Args:
        model: in float.
        job: says how; its folder takes the file.
    """

    def __init__(self, model: Model, job: AnyJob) -> None:
        leave_out_padding(model)
        self.model, self.job = model, job
        self.int8 = job.folder / "int8.xml"
        self.ways: tuple[int, ...] = ()
        self.outliers = 0
        self.moving = varying(model)
        self.expected = self.run(model)

    def run(self, model: Any) -> Arrays:
        """The outputs of a model on all inputs."""
        import openvino

        compiled = openvino.compile_model(model, "CPU", EXACT)
        rows = [list(compiled(self.job.row(number)).values()) for number in range(self.job.count)]
        return [np.stack(column) for column in zip(*rows, strict=True)]

    def tensors(self, effects: Sequence[Effect]) -> tuple[Sequence[Touched], Mapping[str, int]]:
        """The tensors that the last int8 file rounds, and the multiply-accumulates by the operators' names."""
        import openvino
        from openvino import opset13

        wide, rounded = self.model.clone(), self.rounded()
        ports = [
            output
            for op in wide.get_ordered_ops()
            if op.get_friendly_name() in self.moving & rounded and op.get_type_name() != "Result"
            for output in op.outputs()
            if output.get_element_type() == openvino.Type.f32
        ]
        plain = len(wide.outputs)
        wide.add_results([opset13.result(port) for port in ports])
        compiled = openvino.compile_model(wide, "CPU", EXACT)
        seen = [Observed(axis=1) for _ in ports]
        for number in range(self.job.count):
            for one, values in zip(seen, list(compiled(self.job.row(number)).values())[plain:], strict=True):
                one.add(values)
        held = dict(enumerate(seen))
        operators = {place: touching(port) for place, port in enumerate(ports)}
        return (
            touched(held, operators, effects, lambda place: str(ports[place].get_node().get_friendly_name())),
            {op.get_friendly_name(): macs_of(op) for op in self.model.get_ordered_ops()},
        )

    def rounded(self) -> set[str]:
        """Names of the operators whose results the last int8 file rounds, or joins when they have one scale."""
        import openvino

        file = openvino.Core().read_model(self.int8)
        quantizers = (op for op in file.get_ordered_ops() if op.get_type_name() == "FakeQuantize")
        found = {op.input_value(0).get_node().get_friendly_name() for op in quantizers}
        for op in self.model.get_ordered_ops():
            sources = (value.get_node().get_friendly_name() for value in op.input_values())
            if op.get_type_name() == "Concat" and found.intersection(sources):
                found.add(op.get_friendly_name())
        return found

    def quantized(self, kept: frozenset[str]) -> Path:
        """Static int8 by NNCF.

        Where the target saturates, weights are scaled by their largest pair; those of transposed convolutions lose a
        bit.
        """
        import nncf
        import openvino
        from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

        model = self.model.clone()
        part_gates(model)
        model = nncf.quantize(
            model,
            nncf.Dataset([self.job.row(number) for number in range(self.job.count)]),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=self.job.count,
            target_device=nncf.TargetDevice.CPU,
            ignored_scope=nncf.IgnoredScope(names=sorted(kept), validate=False),
            advanced_parameters=AdvancedQuantizationParameters(
                overflow_fix=OverflowFix.ENABLE if saturates(self.job.target) else OverflowFix.DISABLE,
                backend_params={"compress_weights": False},
            ),
        )
        join_gates(model)
        join_ranges(model)
        scale_weights(model, paired=saturates(self.job.target))
        openvino.save_model(model, self.int8, compress_to_fp16=False)
        return self.int8

    def outputs(self, file: Path) -> Arrays:
        """Of a file, on the calibration inputs."""
        return self.run(file)


def varying(model: Model) -> set[str]:
    """Names of the operators whose results depend on the network's inputs."""
    found: set[str] = set()
    for op in model.get_ordered_ops():
        sources = (value.get_node().get_friendly_name() for value in op.input_values())
        if op.get_type_name() == "Parameter" or any(name in found for name in sources):
            found.add(op.get_friendly_name())
    return found


def touching(port: Output) -> frozenset[str]:
    """Names of the operators that make or read a tensor."""
    nodes = [port.get_node(), *(target.get_node() for target in port.get_target_inputs())]
    return frozenset(node.get_friendly_name() for node in nodes if node.get_type_name() not in ENDS)


def macs_of(op: Node) -> int:
    """Multiply-accumulates of an operator; 0 for one that is no convolution and no matrix product."""
    kind = op.get_type_name()
    if kind == "MatMul":
        given, flipped = list(op.input_value(0).get_shape()), op.get_attributes()["transpose_a"]
        return int(prod(op.get_output_shape(0)) * given[-2 if flipped else -1])
    if kind not in ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData"):
        return 0
    weight = list(op.input_value(1).get_shape())
    one_filter = prod(weight[2:] if kind.startswith("Group") else weight[1:])
    results = op.input_value(0).get_shape() if "Backprop" in kind else op.get_output_shape(0)
    return int(one_filter * prod(results))
