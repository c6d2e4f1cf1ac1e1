"""Every operator of ONNX that edgekit brings to PyTorch, against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgekit.convert.onnx_network.network import OPERATORS, network_of
from edgekit.errors import UsageError

RNG = np.random.default_rng(0)
IMAGE = (1, 4, 7, 6)


def floats(*shape: int) -> Any:
    """Values of both signs."""
    return RNG.standard_normal(shape, np.float32)


def ints(*values: int) -> Any:
    """A constant of sizes or places."""
    return np.asarray(values, np.int64)


def case(
    kind: str, *constants: Any, shape: Sequence[int] = IMAGE, opset: int = 18, outputs: int = 1, **attributes: Any
) -> Any:
    """An operator on one input, which the constants follow; None leaves one out."""
    return kind, constants, tuple(shape), opset, outputs, attributes


WEIGHT = floats(6, 4, 3, 3)
CASES = [
    case("Conv", WEIGHT, floats(6), pads=[1, 0, 2, 1], strides=[2, 1], dilations=[1, 2]),
    case("Conv", WEIGHT, auto_pad="SAME_UPPER", strides=[2, 2]),
    case("Conv", WEIGHT, auto_pad="SAME_LOWER", strides=[2, 2]),
    case("Conv", floats(8, 1, 3, 3), group=4, pads=[1, 1, 1, 1]),
    case("Conv", floats(5, 4, 3), shape=(2, 4, 9), pads=[1, 1]),
    case("ConvTranspose", floats(4, 3, 3, 3), floats(3), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
    case("ConvTranspose", floats(4, 3, 2, 2), strides=[2, 2], pads=[0, 1, 1, 0]),
    case("Gemm", floats(5, 8), floats(5), shape=(2, 8), transB=1),
    case("Gemm", floats(8, 5), floats(2, 5), shape=(2, 8), alpha=0.5, beta=2.0),
    case("MatMul", floats(6, 5)),
    case("BatchNormalization", floats(4), floats(4), floats(4), np.abs(floats(4)), epsilon=1e-3),
    case("InstanceNormalization", floats(4), floats(4)),
    case("LayerNormalization", floats(6), floats(6)),
    case("LayerNormalization", floats(4, 7, 6), axis=1),
    case("LSTM", floats(1, 16, 3), floats(1, 16, 4), floats(1, 32), shape=(5, 2, 3), outputs=3, hidden_size=4),
    case(
        "LSTM",
        floats(2, 16, 3),
        floats(2, 16, 4),
        floats(2, 32),
        None,
        floats(2, 2, 4),
        floats(2, 2, 4),
        shape=(5, 2, 3),
        outputs=3,
        hidden_size=4,
        direction="bidirectional",
    ),
    case("GRU", floats(1, 12, 3), floats(1, 12, 4), floats(1, 24), shape=(5, 2, 3), outputs=2, hidden_size=4),
    case(
        "GRU",
        floats(1, 12, 3),
        floats(1, 12, 4),
        floats(1, 24),
        np.asarray([5, 5], np.int32),
        floats(1, 2, 4),
        shape=(5, 2, 3),
        outputs=2,
        hidden_size=4,
        linear_before_reset=1,
        direction="reverse",
    ),
    case("RNN", floats(1, 4, 3), floats(1, 4, 4), shape=(5, 2, 3), outputs=2, hidden_size=4, activations=["Tanh"]),
    case("MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], ceil_mode=1),
    case("MaxPool", kernel_shape=[2, 2], pads=[0, 0, 1, 1]),
    case("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    case("AveragePool", kernel_shape=[2, 2], pads=[0, 0, 1, 1], count_include_pad=1),
    case("GlobalAveragePool"),
    case("GlobalMaxPool"),
    case(
        "Resize",
        None,
        np.asarray([1, 1, 2, 2], np.float32),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    ),
    case("Resize", None, np.asarray([1, 1, 2, 2], np.float32), mode="nearest"),
    case("Resize", None, None, ints(1, 4, 11, 9), mode="linear", coordinate_transformation_mode="half_pixel"),
    case("Resize", None, None, ints(1, 4, 11, 9), mode="linear", coordinate_transformation_mode="align_corners"),
    case("Resize", None, None, ints(1, 4, 11, 9), mode="cubic"),
    *(
        case("Resize", None, scales, mode=mode, coordinate_transformation_mode=place, **rounding)
        for scales in (
            np.asarray([1, 1, 2, 2], np.float32),
            np.asarray([1, 1, 1.5, 1.7], np.float32),
            np.asarray([1, 1, 0.5, 0.7], np.float32),
        )
        for place in ("asymmetric", "half_pixel", "align_corners")
        for mode, rounding in (
            ("linear", {}),
            ("nearest", {"nearest_mode": "floor"}),
            ("nearest", {"nearest_mode": "ceil"}),
            ("nearest", {"nearest_mode": "round_prefer_ceil"}),
            ("nearest", {}),
        )
    ),
    case("Resize", None, None, ints(5), shape=(2, 3, 10), mode="linear", axes=[2]),
    case(
        "Resize",
        None,
        None,
        ints(1, 1),
        mode="linear",
        axes=[2, 3],
        coordinate_transformation_mode="pytorch_half_pixel",
    ),
    case("Resize", np.asarray([1, 1, 1.5, 1.7], np.float32), opset=10, mode="linear"),
    case("Resize", np.asarray([1, 1, 2, 0.6], np.float32), opset=10, mode="nearest"),
    case("Upsample", np.asarray([1, 1, 1.5, 2], np.float32), opset=9, mode="linear"),
    case("LpNormalization", axis=1, p=1),
    case("RMSNormalization", floats(7, 6), axis=2, opset=23),
    case("Upsample", np.asarray([1, 1, 2, 3], np.float32), opset=9, mode="nearest"),
    *(
        case(kind)
        for kind in [
            "Abs",
            "Ceil",
            "Cos",
            "Elu",
            "Erf",
            "Exp",
            "Floor",
            "HardSwish",
            "Identity",
            "LeakyRelu",
            "Mish",
            "Neg",
            "Reciprocal",
            "Relu",
            "Round",
            "Sigmoid",
            "Sign",
            "Sin",
            "Softplus",
            "Tanh",
            "Shape",
        ]
    ),
    case("Gelu", opset=20),
    case("Gelu", opset=20, approximate="tanh"),
    case("HardSigmoid", alpha=1 / 6),
    case("HardSigmoid"),
    case("Clip", np.float32(0), np.float32(6)),
    case("Clip", np.float32(-0.5)),
    case("Clip", None, np.float32(0.5)),
    case("Clip", opset=6, min=0.0, max=6.0),
    case("PRelu", floats(4, 1, 1)),
    case("PRelu", floats(7, 6)),
    *(case(kind, floats(4, 1, 1)) for kind in ("Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Mean")),
    case("Pow", np.float32(2)),
    case("Softmax"),
    case("Softmax", axis=1),
    case("Softmax", opset=11),
    case("LogSoftmax", axis=2),
    *(case(kind, ints(2, 3), keepdims=0) for kind in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceSum")),
    case("ReduceMean", opset=13, axes=[1], keepdims=1),
    case("ReduceSum"),
    case("ArgMax", axis=1),
    case("ArgMin", axis=2, keepdims=0),
    case("Cast", to=TensorProto.INT32),
    case("Reshape", ints(0, -1)),
    case("Flatten", axis=2),
    case("Transpose", perm=[0, 2, 3, 1]),
    case("Transpose"),
    case("Squeeze", shape=(1, 4, 1, 6)),
    case("Squeeze", ints(2), shape=(1, 4, 1, 6)),
    case("Unsqueeze", ints(0, -1)),
    case("Unsqueeze", opset=11, axes=[1]),
    case("Concat", floats(1, 2, 7, 6), axis=1),
    case("Split", ints(1, 3), outputs=2, axis=1),
    case("Split", outputs=3, axis=3, num_outputs=3),
    case("Slice", ints(1, -4), ints(2**62, -1), ints(1, 3)),
    case("Slice", ints(-1), ints(-(2**62)), ints(2), ints(-2)),
    case("Slice", opset=9, starts=[1], ends=[3], axes=[2]),
    case("Gather", ints(2, -1), axis=1),
    case("Gather", np.int64(1), axis=2),
    case("Expand", ints(2, 4, 1, 6), shape=(1, 4, 7, 1)),
    case("Tile", ints(1, 2, 1, 3)),
    case("Pad", ints(0, 0, 1, 2, 0, 0, 0, 1), np.float32(0.5)),
    case("Pad", ints(0, 0, 1, 2, 0, 0, 0, 1), mode="reflect"),
    case("Pad", ints(1, 2), None, ints(3), mode="edge"),
    case("Pad", ints(0, 3, 1, 1), mode="reflect", shape=(2, 9)),
    case("Pad", ints(2, 0, 1, 0), mode="edge", shape=(2, 9)),
    case("Pad", ints(0, 2, 0, 0, 0, 1, 0, 3), mode="reflect"),
    case("Pad", opset=9, pads=[0, 0, 1, 1, 0, 0, 1, 1], value=1.5),
    case("DepthToSpace", blocksize=2),
    case("DepthToSpace", blocksize=2, mode="CRD"),
    case("SpaceToDepth", blocksize=2, shape=(1, 3, 6, 4)),
    case("TopK", ints(3), outputs=2),
    case("Dropout"),
]
"""At least one use of every operator."""
COMPARED = [case(kind, floats(4, 1, 1)) for kind in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")]


def model_of(kind: str, constants: Any, shape: Any, opset: int, outputs: int, attributes: Mapping[str, Any]) -> Any:
    """A model of one operator."""
    names = [f"c{place}" if value is not None else "" for place, value in enumerate(constants)]
    made = [f"y{place}" for place in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node(kind, ["x", *names], made, **attributes)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info(name) for name in made],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in zip(names, constants, strict=True) if v is not None],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    inferred = onnx.shape_inference.infer_shapes(model)
    for place, name in enumerate(made):
        known = next((one for one in inferred.graph.output if one.name == name), None)
        if known is not None and known.type.tensor_type.elem_type:
            model.graph.output[place].CopyFrom(known)
    return model


@pytest.mark.parametrize("given", [*CASES, *COMPARED], ids=lambda given: f"{given[0]}-{given[3]}")
def test_it_computes_what_onnx_runtime_computes(given: Any) -> None:
    model = model_of(*given)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    image = floats(*given[2])
    expected = session.run(None, {"x": image})
    network = network_of(model, {"x": torch.from_numpy(image)}, "a.onnx")
    for exact, found in zip(expected, network(torch.from_numpy(image)), strict=True):
        assert tuple(found.shape) == exact.shape
        np.testing.assert_allclose(found.numpy(), exact, rtol=1e-4, atol=1e-5)


def test_no_operator_is_without_a_case() -> None:
    elsewhere = {"And", "Or", "Not", "Where", "Log", "Sqrt", "Constant", "ConstantOfShape", "Range"}
    assert {given[0] for given in [*CASES, *COMPARED]} | elsewhere == set(OPERATORS)


def test_bounds_that_depend_on_the_input() -> None:
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "half"], ["low"]),
        helper.make_node("Clip", ["x", "low"], ["a"]),
        helper.make_node("Clip", ["x", "", "low"], ["b"]),
        helper.make_node("Clip", ["x", "half", "low"], ["c"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 4])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3, 4]) for name in "abc"],
        [numpy_helper.from_array(np.float32(0.5), "half")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    values = floats(3, 4)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    network = network_of(model, {"x": torch.from_numpy(values)}, "a.onnx")
    for exact, found in zip(session.run(None, {"x": values}), network(torch.from_numpy(values)), strict=True):
        np.testing.assert_allclose(found, exact, rtol=1e-6)


def test_logic_and_constants_together() -> None:
    """What is known beforehand is computed once: it leaves no step."""
    nodes = [
        helper.make_node("Constant", [], ["two"], value_float=2.0),
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("Range", ["start", "end", "step"], ["row"]),
        helper.make_node("Greater", ["x", "zeros"], ["positive"]),
        helper.make_node("Less", ["x", "two"], ["small"]),
        helper.make_node("And", ["positive", "small"], ["both"]),
        helper.make_node("Or", ["positive", "small"], ["either"]),
        helper.make_node("Not", ["both"], ["outside"]),
        helper.make_node("And", ["outside", "either"], ["chosen"]),
        helper.make_node("Where", ["chosen", "zeros", "x"], ["kept"]),
        helper.make_node("Abs", ["kept"], ["size"]),
        helper.make_node("Add", ["size", "row"], ["moved"]),
        helper.make_node("Sqrt", ["moved"], ["root"]),
        helper.make_node("Log", ["root"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 4])],
        [numpy_helper.from_array(np.float32(v), n) for n, v in (("start", 1.0), ("end", 5.0), ("step", 1.0))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    values = floats(3, 4)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    network = network_of(model, {"x": torch.from_numpy(values)}, "a.onnx")
    np.testing.assert_allclose(network(torch.from_numpy(values))[0], session.run(None, {"x": values})[0], rtol=1e-5)
    assert {one.node.kind for one in network.operators}.isdisjoint({"Shape", "ConstantOfShape", "Range", "Constant"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (case("Shrink"), r"a\.onnx has the operator Shrink \(output 'y0'\), which edgekit cannot bring to PyTorch"),
        (
            case(
                "Resize",
                None,
                np.asarray([1, 1, 2, 2], np.float32),
                mode="linear",
                antialias=1,
            ),
            "it resizes with antialias",
        ),
        (
            case("Resize", None, None, ints(1, 4, 9, 9), mode="cubic", cubic_coeff_a=-0.5),
            "it resizes by cubic with half_pixel",
        ),
        (
            case("QuantizeLinear", np.float32(0.1), np.uint8(0)),
            r"the operator QuantizeLinear \(output 'y0'\): it is quantized, and its scales cannot be kept in TFLite",
        ),
        (case("MaxPool", kernel_shape=[2, 2], outputs=2), "it gives indices"),
        (case("RNN", floats(1, 4, 3), floats(1, 4, 4), shape=(5, 2, 3), activations=["Relu"]), "other activations"),
        (case("RNN", floats(1, 4, 3), floats(1, 4, 4), shape=(300, 2, 3)), "it takes 300 steps"),
        (
            case("RNN", floats(1, 4, 3), floats(1, 4, 4), None, np.asarray([5, 2], np.int32), shape=(5, 2, 3)),
            "lengths of their own",
        ),
        (case("Cast", to=TensorProto.STRING), "it casts to ONNX's type 8"),
        (case("Conv", floats(6, 3, 3, 3)), "and PyTorch fails on it"),
    ],
)
def test_what_has_no_counterpart_is_named(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        network_of(model_of(*given), {"x": torch.zeros(given[2])}, "a.onnx")


def test_operators_are_called_after_their_outputs() -> None:
    """Which is how the converted file names them; two that differ in a sign alone stay apart."""
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    made = helper.make_tensor_value_info("last", TensorProto.FLOAT, [1, 4])
    names = ["/block/relu", "block.relu", "forward", "last"]
    nodes = [helper.make_node("Relu", [one], [two]) for one, two in zip(["x", *names], names, strict=False)]
    model = helper.make_model(helper.make_graph(nodes, "g", [given], [made]))
    network = network_of(model, {"x": torch.ones(1, 4)}, "g.onnx")
    assert [name for name, _ in network.named_children()] == ["block_relu", "block_relu_", "forward_", "last"]
    assert torch.equal(network(torch.ones(1, 4))[0], torch.ones(1, 4))
