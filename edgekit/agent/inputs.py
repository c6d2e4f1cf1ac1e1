"""The inputs of a model: from a file, or random numbers."""

from __future__ import annotations

from typing import Any

from .protocol import AgentError, Json
from .runtimes.base import Runtime


def checked(array: Any, spec: Json, what: str) -> Any:
    """``array`` when it has exactly the shape and element type of an input."""
    if array.dtype.name != spec["dtype"]:
        raise AgentError("request", "%s is %s; the model's input %r takes %s" % (
            what, array.dtype.name, spec["name"], spec["dtype"]))  # fmt: skip
    if list(array.shape) != spec["shape"]:
        raise AgentError("request", "%s has shape %s; the model's input %r takes %s" % (
            what, list(array.shape), spec["name"], spec["shape"]))  # fmt: skip
    return array


def random_input(spec: Json, seed: int) -> Any:
    """Uniform 0..1 for floats, the whole range for quantized integers; 0 and 1 for wide integers and booleans.

    Wide integers are often indices or lengths: most numbers would be none that the model takes.
    """
    import numpy as np

    generator = np.random.RandomState(seed)
    dtype: Any = np.dtype(spec["dtype"])
    if dtype.kind == "f":
        return np.asarray(generator.random_sample(spec["shape"]), dtype)
    if dtype.kind == "b" or (dtype.itemsize >= 4 and dtype.kind in "iu"):
        return np.asarray(generator.randint(0, 2, spec["shape"]), dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return generator.randint(limits.min, limits.max + 1, spec["shape"], dtype=dtype)
    raise AgentError("request", "no random input for element type %s; give one" % spec["dtype"])


def set_inputs(runtime: Runtime, request: Json) -> None:
    """The request's ``input`` (an .npy of one whole batch) or a random one."""
    import numpy as np

    path = request.get("input")
    if path and len(runtime.inputs) != 1:
        raise AgentError("request", "the model has %d inputs; one file was given" % len(runtime.inputs))
    for index, spec in enumerate(runtime.inputs):
        array = checked(np.load(path), spec, path) if path else random_input(spec, request.get("seed", 0) + index)
        runtime.set_input(index, array)
