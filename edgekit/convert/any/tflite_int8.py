"""A float TFLite file of any kind in int8, with chosen operators in float. An operator is known by its first output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ...agent.commands.inspect import inspect
from ...base.listing import listing
from ..int8.ranges import OUTLIERS
from ..int8.tensor_effect import Effect, touched
from ..int8.tensor_noise import Observed, Touched, holds
from ..tflite.asleep import widen_asleep
from ..tflite.bias_room import give_own_biases, make_room
from ..tflite.gates import end_at_floor
from ..tflite.quantizer import static_int8
from ..tflite.ranges import tie_ranges
from .between import Placed, with_between
from .fallback import Arrays
from .inner_outputs import hide_outputs, show_outputs
from .job import AnyJob
from .operators.delegated import TAPS

ARITHMETIC = {
    "ADD", "BATCH_MATMUL", "COS", "DIV", "ELU", "EXP", "LOG", "MUL", "POW", "RSQRT", "SIN", "SOFTMAX", "SQRT",
    "SQUARED_DIFFERENCE", "SUB",
}  # fmt: skip
"""Operators of many values that LiteRT computes one by one, where XNNPACK leaves them out."""
TABLED = {"GELU", "HARD_SWISH", "MAXIMUM", "MINIMUM", "RELU", "RELU6", "RELU_N1_TO_1"}
"""Such operators of one value each: in float between int8 tensors, XNNPACK looks them up in a table."""
LAYERS = {"BATCH_MATMUL", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"}


class TfliteKit:
    """See :class:`edgekit.convert.any.fallback.Kit`; the ranges are from all calibration inputs.

    Args:
        path: the float file.
        job: its sets are the calibration inputs.
        places: of the network's inputs among the file's.
    """

    def __init__(self, path: Path, job: AnyJob, places: Sequence[int]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.path, self.int8 = path, path.with_name("int8.tflite")
        give_own_biases(path)
        self.given: list[Any] = [array for _, array in sorted(zip(places, job.sets, strict=True), key=lambda p: p[0])]
        self.count = job.count
        self.ways, self.outliers = OUTLIERS, 0
        interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
        self.details = {int(t["index"]): t for t in interpreter.get_tensor_details()}
        operators = [op for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]  # noqa: SLF001 - nothing public
        self.operators = [op for op in operators if len(op["outputs"])]
        self.whole = {int(t["index"]) for t in (*interpreter.get_input_details(), *interpreter.get_output_details())}
        self.ends = [int(t["index"]) for t in interpreter.get_output_details()]
        self.moved = self.whole | {int(t) for op in self.operators for t in op["outputs"]}
        self.seen: dict[int, Observed] = {}
        self.expected = self.run(interpreter, self.look)
        self.unbounded = self.find_unbounded(interpreter)
        make_room(path, {index: (one.low, one.high) for index, one in self.seen.items() if one.finite})
        self.inner = self.find_inner()
        self.bodies = bodies(path)
        on_cpu = not job.strict_int8 and job.target != "mobile-gpu"  # a GPU's delegate has other gaps
        self.slow = self.large_kernels() if on_cpu else frozenset()
        self.tabled: frozenset[str] = frozenset()
        self.taken = self.delegated(path) if on_cpu else frozenset()

    def run(self, interpreter: Any, look: Any = None) -> Arrays:
        """The outputs on all inputs; ``look`` is called with the interpreter after each inference."""
        interpreter.allocate_tensors()
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        rows: list[list[Any]] = [[] for _ in outputs]
        for number in range(self.count):
            for end, array in zip(inputs, self.given, strict=True):
                interpreter.set_tensor(end["index"], array[number].astype(end["dtype"]))
            interpreter.invoke()
            for row, end in zip(rows, outputs, strict=True):
                row.append(interpreter.get_tensor(end["index"]))
            if look is not None:
                look(interpreter)
        return [np.stack(row) for row in rows]

    def look(self, interpreter: Any) -> None:
        """Take what the float tensors hold."""
        for index in self.moved:
            if self.details[index]["dtype"] is np.float32:
                if index not in self.seen:  # of the network's own inputs and outputs nothing is left out
                    most = 0 if index in self.whole else max(self.ways)
                    self.seen[index] = Observed(-1, self.count, most)
                self.seen[index].add(interpreter.get_tensor(index))

    def find_unbounded(self, interpreter: Any) -> frozenset[str]:
        """Names of the operators that make or read infinite values, which no scale holds; after an inference.

        Divisions by what the network computes count among them: LiteRT ends an inference where an int8 divisor rounds
        to zero, and a small one does, as zero has a code in every range.
        """
        infinite = {index for index, one in self.seen.items() if not one.finite}
        for index in {int(t) for op in self.operators for t in op["inputs"] if t >= 0} - self.moved:
            if self.details[index]["dtype"] is np.float32 and not holds(interpreter.get_tensor(index)):
                infinite.add(index)
        touching = (
            op
            for op in self.operators
            if infinite & {int(t) for t in (*op["inputs"], *op["outputs"])}
            or (op["op_name"] == "DIV" and int(op["inputs"][1]) in self.moved)
        )
        return frozenset(self.name(int(op["outputs"][0])) for op in touching)

    def large_kernels(self) -> frozenset[str]:
        """The depthwise layers that XNNPACK has no kernels for."""
        shapes = {index: tuple(map(int, one["shape"])) for index, one in self.details.items()}
        return frozenset(
            self.name(int(op["outputs"][0]))
            for op in self.operators
            if op["op_name"] == "DEPTHWISE_CONV_2D" and prod(shapes[int(op["inputs"][1])][1:3]) > TAPS
        )

    def note(self) -> tuple[str, ...]:
        """Lines on what stays in float for speed."""
        reasons = {
            "in float, as XNNPACK has no int8 kernels for them or what is between them": self.slow,
            "in float between int8 tensors, where XNNPACK looks them up in tables": self.tabled,
        }
        return tuple(f"{reason}: {self.listed(names)}" for reason, names in reasons.items() if names)

    def listed(self, names: frozenset[str]) -> str:
        """How many operators there are of each kind, the most frequent first."""
        kinds = Counter(op["op_name"] for op in self.operators if self.name(int(op["outputs"][0])) in names)
        return listing(dict(kinds.most_common()))

    def grown(self, kept: frozenset[str]) -> frozenset[str]:
        """These operators, and what would only go to int8 and back between them: no layers, and nothing infinite."""
        placed = []
        for op in self.operators:
            reads, makes = (tuple(t for t in map(int, op[side]) if t in self.seen) for side in ("inputs", "outputs"))
            fixed = op["op_name"] in LAYERS or bool(self.whole & set(map(int, op["outputs"])))
            placed.append(Placed(self.name(int(op["outputs"][0])), reads, makes, fixed))
        return with_between(kept, placed)

    def delegated(self, file: Path) -> frozenset[str]:
        """The operators that XNNPACK takes of a file, of those that it may leave out in int8 alone."""
        found = inspect({"runtime": "litert", "model": str(file), "threads": 1})["executed"]
        return frozenset(one["name"] for one in found if one["delegated"] and one["type"] in ARITHMETIC | TABLED)

    def find_inner(self) -> list[int]:
        """The places of the outputs that operators make and read further, in float32."""
        read = {int(t) for op in self.operators for t in op["inputs"]}
        made = {int(t) for op in self.operators for t in op["outputs"]}
        floats = {index for index in read & made if self.details[index]["dtype"] is np.float32}
        return [place for place, index in enumerate(self.ends) if index in floats]

    def name(self, index: int) -> str:
        """Of a tensor."""
        return str(self.details[index]["name"])

    def tensors(self, effects: Sequence[Effect]) -> tuple[Sequence[Touched], Mapping[str, int]]:
        """The tensors, all of which int8 rounds, and the multiply-accumulates by the operators' names."""
        operators: dict[int, set[str]] = {index: set() for index in self.seen}
        for op in self.operators:
            for index in (*map(int, op["inputs"]), *map(int, op["outputs"])):
                if index in operators:
                    operators[index].add(self.name(int(op["outputs"][0])))
        shapes = {index: tuple(map(int, one["shape"])) for index, one in self.details.items()}
        return (
            touched(self.seen, operators, effects, self.name),
            {self.name(int(op["outputs"][0])): macs_of(op, shapes) for op in self.operators},
        )

    def quantized(self, kept: frozenset[str]) -> Path:
        """Static int8 with float inputs and outputs; what is infinite stays in float.

        So does what XNNPACK takes in float and leaves out in int8, whose own kernels are many times slower.
        """
        self.write(kept | self.slow | self.tabled)
        left = self.taken - kept - self.slow - self.tabled
        left = left - self.delegated(self.int8) if left else left
        if left:
            tabled = frozenset(self.name(int(op["outputs"][0])) for op in self.operators if op["op_name"] in TABLED)
            self.slow = self.grown(self.slow | (left - tabled))
            self.tabled = (self.tabled | (left & tabled)) - self.slow
            self.write(kept | self.slow | self.tabled)
        return self.int8

    def write(self, kept: frozenset[str]) -> None:
        """The int8 file with these operators, and those that are infinite, in float."""
        ends = {index: one.ends(self.outliers) for index, one in self.seen.items() if one.finite}
        ranges = {
            self.name(index): {
                "min": np.full((1,) * len(self.details[index]["shape"]), low, np.float32),
                "max": np.full((1,) * len(self.details[index]["shape"]), high, np.float32),
            }
            for index, (low, high) in ends.items()
        }
        tie_ranges(self.path, ranges, kept)
        end_at_floor(self.path, ranges, kept, fused=True)
        widen_asleep(self.path, ranges, kept)
        in_float, hidden = sorted(kept | self.unbounded | self.bodies), self.path.with_name("hidden.tflite")
        names = hide_outputs(self.path, self.inner, hidden)
        made = static_int8(hidden, ranges, in_float, float_input=True, float_output=True)
        hidden.unlink()
        self.int8.write_bytes(show_outputs(made, self.inner, names))

    def outputs(self, file: Path) -> Arrays:
        """Of a file, on the calibration inputs."""
        from ai_edge_litert.interpreter import Interpreter

        return self.run(Interpreter(str(file)))


def bodies(path: Path) -> frozenset[str]:
    """Names of the operators inside others, such as the sum of a window: no calibration sees what they read."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(path.read_bytes(), 0)  # which unpacks no weights
    inner = [model.Subgraphs(place) for place in range(1, model.SubgraphsLength())]
    return frozenset(
        graph.Tensors(graph.Operators(place).Outputs(0)).Name().decode()
        for graph in inner
        for place in range(graph.OperatorsLength())
    )


def macs_of(op: Mapping[str, Any], shapes: Mapping[int, tuple[int, ...]]) -> int:
    """Multiply-accumulates of an operator; 0 for one that is no convolution and no matrix product."""
    given = [shapes.get(int(index), ()) for index in op["inputs"]]
    made = prod(shapes[int(op["outputs"][0])])
    kind = op["op_name"]
    if kind == "CONV_2D":
        return made * prod(given[1][1:])
    if kind == "DEPTHWISE_CONV_2D":
        return made * prod(given[1][1:3])
    if kind == "TRANSPOSE_CONV":
        return prod(given[2]) * prod(given[1][:3])
    return made * given[0][-1] if kind in ("FULLY_CONNECTED", "BATCH_MATMUL") else 0
