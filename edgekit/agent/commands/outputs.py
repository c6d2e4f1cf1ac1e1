"""The command ``outputs``."""

from __future__ import annotations

from typing import Any, Dict, List

from ..inputs import checked
from ..protocol import AgentError, Json
from ..runtimes.choose import load_model, make_runtime


def outputs(request: Json) -> Json:
    """``outputs``: what a model of any number of inputs and outputs gives for several sets of inputs.

    ``inputs`` (.npz) has an array for each input, named by its place ("0", "1", ...), with the sets as a dimension in
    front. Writes ``outputs`` (.npz) likewise. Value: count.
    """
    import numpy as np

    runtime = make_runtime(request)
    load_model(runtime, request)
    with np.load(request["inputs"]) as given:
        wanted = [str(place) for place in range(len(runtime.inputs))]
        if sorted(given.files) != sorted(wanted):
            raise AgentError("request", "%d arrays are given, and the model has %d inputs" % (
                len(given.files), len(wanted)))  # fmt: skip
        arrays = [given[name] for name in wanted]
    taken: Dict[str, List[Any]] = {}
    count = len(arrays[0]) if arrays else 0
    for number in range(count):
        for place, array in enumerate(arrays):
            one = np.asarray(array[number], order="C")  # which leaves a number without dimensions
            runtime.set_input(place, checked(one, runtime.inputs[place], "input %d of set %d" % (place, number)))
        runtime.run()
        for place in range(len(runtime.outputs)):
            taken.setdefault(str(place), []).append(runtime.read(place))
    results: Any = {name: np.stack(found) for name, found in taken.items()}
    np.savez(request["outputs"], **results)
    return {"count": count}
