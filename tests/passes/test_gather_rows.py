"""Gathers of channels that copy rows: the same function, fewer transposes than gathers would cost, and only there."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import Tensor, nn

from edgekit.catalog import find_card
from edgekit.convert.tflite.lowering import write_tflite
from edgekit.forms.offered import offered_forms
from edgekit.passes.gather_rows import ChannelsFirst
from edgekit.passes.pipeline import apply_rewrites
from edgekit.zoo.registry import create

from .networks import layers, lively, rewritten


class Gathering(nn.Module):
    """New features behind the old ones, and a gather of channels from both; the old ones are read otherwise too."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 3, padding=1)
        self.pool, self.last = nn.AdaptiveAvgPool2d(size), nn.Conv2d(5, 3, 1)
        self.register_buffer("index", torch.tensor([5, 0, 0, 2, 3]))

    def forward(self, x: Tensor) -> Tensor:
        old = self.pool(self.first(x))
        every = torch.cat([old, self.second(old)], 1)
        made: Tensor = self.last(torch.index_select(every, 1, self.index))
        return made


@pytest.mark.parametrize(("size", "count", "stored"), [(4, 1, 2), (1, 0, 0)])
def test_each_part_is_stored_once_and_only_for_the_gather(size, count, stored):
    torch.manual_seed(0)
    result, done = rewritten(lively(Gathering(size)), ["gather_rows"], (1, 3, 6, 6))
    assert done == {"gather_rows": count}
    assert len(layers(result, ChannelsFirst)) == stored
    (second,) = (node for node in result.graph.nodes if node.target == "second")
    assert second.all_input_nodes[0].target == "pool"


def test_a_condensenet_in_tflite(tiny_condensenet):
    torch.manual_seed(0)
    network = create(find_card(str(tiny_condensenet))).eval()
    (form,) = (form for form in offered_forms("tflite", "fp32", "x86-avx2") if form.name == "rows")
    image = torch.randn(1, 3, 8, 8)
    result, done = apply_rewrites(network, form.rewrites, image)
    counts = {rewrite.name: rewrite.count for rewrite in done}
    gathers = counts["gather_rows"]
    assert gathers == 3
    interpreter = Interpreter(model_content=write_tflite(result, image.shape, "float32"))
    interpreter.allocate_tensors()
    run = interpreter.get_signature_runner("serving_default")
    made = run(args_0=image.numpy().transpose(0, 2, 3, 1))["output_0"]
    with torch.no_grad():
        np.testing.assert_allclose(made, network(image).numpy(), rtol=1e-4, atol=1e-5)
    ops = [op for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]
    assert Counter(op["op_name"] for op in ops)["GATHER"] == gathers
    shapes = {int(t["index"]): tuple(t["shape"]) for t in interpreter.get_tensor_details()}
    for op in ops:
        if op["op_name"] == "GATHER":  # along the channels, before rows and columns
            assert shapes[op["inputs"][0]][2:] == shapes[op["outputs"][0]][2:]
        assert all(len(shapes[int(index)]) <= 4 for index in (*op["inputs"], *op["outputs"]) if int(index) in shapes)
    # A layer moves its gathered channels back, shuffles, and stores its new features; a stage begins with one more.
    assert Counter(op["op_name"] for op in ops)["TRANSPOSE"] <= 3 * gathers + 3
