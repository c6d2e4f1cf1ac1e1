"""The facts about a TFLite file."""

from __future__ import annotations

from typing import Dict

from ..protocol import Json
from ..runtimes.litert import LiteRT


def inspect_litert(runtime: LiteRT) -> Json:
    """The operators of a TFLite file, and which of them the delegate took.

    ``_get_ops_details`` lists the file's operators, then one DELEGATE per partition whose inputs and outputs are the
    tensors that cross its border. So a partition holds exactly the operators that are reached backwards from its
    outputs without passing its inputs. An operator has no name of its own: it is called by its first output.
    """
    import numpy as np

    listed = runtime.interpreter._get_ops_details()  # noqa: SLF001  (nothing public tells)
    operators = [op for op in listed if op["op_name"] != "DELEGATE"]
    partitions = [op for op in listed if op["op_name"] == "DELEGATE"]
    producer = {int(t): i for i, op in enumerate(operators) for t in op["outputs"]}
    details = {int(t["index"]): t for t in runtime.interpreter.get_tensor_details()}
    delegated: set[int] = set()
    for partition in partitions:
        border = {int(t) for t in partition["inputs"]}
        waiting = [int(t) for t in partition["outputs"]]
        while waiting:
            op = producer.get(waiting.pop())
            if op is not None and op not in delegated:
                delegated.add(op)
                waiting += [int(t) for t in operators[op]["inputs"] if int(t) not in border]

    def node(op: Json) -> Json:
        return {
            "type": op["op_name"],
            "name": details[int(op["outputs"][0])]["name"] if len(op["outputs"]) else "",
            "inputs": [np.dtype(details[int(t)]["dtype"]).name for t in op["inputs"] if int(t) >= 0],
            "outputs": [np.dtype(details[int(t)]["dtype"]).name for t in op["outputs"] if int(t) >= 0],
        }

    given = {int(t["index"]) for t in runtime.input_details}
    used = {int(t) for op in operators for side in ("inputs", "outputs") for t in op[side] if int(t) >= 0} | given
    tensors = []
    for index in sorted(used):
        tensor = details[index]
        shape, dtype = [int(d) for d in tensor["shape"]], np.dtype(tensor["dtype"])
        tensors.append(
            {
                "id": index,
                "name": tensor["name"],
                "shape": shape,
                "dtype": dtype.name,
                "constant": index not in producer and index not in given,
                "bytes": int(np.prod(shape, dtype=np.int64)) * dtype.itemsize,
                "channels": len(tensor["quantization_parameters"]["scales"]),
            }
        )
    undelegated: Dict[str, int] = {}
    for index, op in enumerate(operators):
        if index not in delegated:
            undelegated[op["op_name"]] = undelegated.get(op["op_name"], 0) + 1
    nodes = [node(op) for op in operators]
    return {
        "nodes": [
            dict(nodes[index], reads=[int(t) for t in op["inputs"]], writes=[int(t) for t in op["outputs"]])
            for index, op in enumerate(operators)
        ],
        "executed": [dict(entry, delegated=index in delegated) for index, entry in enumerate(nodes)],
        "tensors": tensors,
        "delegate": {
            "name": "XNNPACK",
            "partitions": len(partitions),
            "delegated": len(delegated),
            "undelegated": undelegated,
        },
    }
