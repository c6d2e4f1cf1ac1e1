"""Models that do nothing: one number in, the same number out, a file for each runtime."""

from __future__ import annotations

from pathlib import Path


def empty_graphs(folder: Path) -> dict[str, Path]:
    """Write the files into ``folder``; by the agent's name of the runtime."""
    onnx_file = empty_onnx(folder / "empty.onnx")
    return {
        "onnxruntime": onnx_file,
        "openvino": empty_openvino(onnx_file, folder / "empty.xml"),
        "litert": empty_tflite(folder / "empty.tflite"),
    }


def empty_onnx(path: Path) -> Path:
    """One Identity."""
    import onnx
    from onnx import TensorProto, helper

    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "empty", value[:1], value[1:])
    # The oldest format that holds the opset: older runtimes read it.
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def empty_openvino(onnx_file: Path, path: Path) -> Path:
    """What OpenVINO makes of the ONNX file."""
    import openvino

    openvino.save_model(openvino.convert_model(onnx_file), path)
    return path


def empty_tflite(path: Path) -> Path:
    """One RESHAPE to the same shape: TFLite has no operator that does less."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def tensor(name: str) -> object:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, [1], schema.TensorType.FLOAT32, 0
        return made

    options = schema.ReshapeOptionsT()
    options.newShape = [1]
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.ReshapeOptions, options
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [tensor("x"), tensor("y")], [0], [1], [operator]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RESHAPE
    code.version = 1
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(builder.Output())
    return path
