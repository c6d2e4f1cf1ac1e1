"""Max pooling without its indices: the same function, and int8 in the plugin."""

from __future__ import annotations

import numpy as np
import openvino
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from openvino import opset14 as ops
from torch import nn

from edgekit.convert.openvino.pool import drop_pool_indices, leave_out_padding


def converted(network: nn.Module, size: int) -> openvino.Model:
    image = torch.zeros(1, 3, size, size)
    return openvino.convert_model(network.eval(), example_input=image, input=list(image.shape))


def pools(model: openvino.Model) -> list[int]:
    """How many outputs each pool has."""
    return [len(op.outputs()) for op in model.get_ordered_ops() if op.get_type_name() == "MaxPool"]


class Beside(nn.Module):
    """Several pools of one image: a conversion costs a second, however little it converts."""

    def __init__(self, pooled: list[nn.MaxPool2d]) -> None:
        super().__init__()
        self.pooled = nn.ModuleList(pooled)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(pool(image) for pool in self.pooled)


POOL = st.builds(
    lambda kernel, stride, padding, ceil: nn.MaxPool2d(kernel, stride, min(padding, kernel // 2), ceil_mode=ceil),
    kernel=st.integers(1, 4), stride=st.integers(1, 4), padding=st.integers(0, 2), ceil=st.booleans(),
)  # fmt: skip


@given(pooled=st.lists(POOL, min_size=8, max_size=12), size=st.integers(5, 14), seed=st.integers(0, 100))
@settings(max_examples=5, deadline=None)
def test_same_function(pooled, size, seed):
    network = Beside(pooled)
    image = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(seed))
    model = converted(network, size)
    changed = drop_pool_indices(model)
    assert sorted(pools(model)) == [1] * changed + [2] * (len(pooled) - changed)
    outputs = openvino.compile_model(model, "CPU")([image.numpy()])
    for place, expected in enumerate(network(image)):
        np.testing.assert_array_equal(outputs[place], expected.numpy())


def test_every_pool_of_squeezenet_as_built():
    import edgekit

    network = edgekit.build("squeezenet_1.1")
    model = converted(network, 224)
    assert pools(model) == [2, 2, 2]
    assert drop_pool_indices(model) == 3
    assert pools(model) == [1, 1, 1]


@pytest.mark.parametrize(("dilation", "read"), [(2, False), (1, True)])
def test_what_needs_the_other_form_keeps_it(dilation, read):
    given_ = ops.parameter([1, 3, 9, 9], np.float32)
    pool = ops.max_pool(given_, [2, 2], [dilation] * 2, [0, 0], [0, 0], [3, 3])
    results = [pool.output(0), pool.output(1)] if read else [pool.output(0)]
    model = openvino.Model(results, [given_], "pool")
    assert drop_pool_indices(model) == 0
    assert pools(model) == [2]


@pytest.mark.parametrize(
    ("pool", "changed"),
    [
        (nn.AvgPool2d(3, 2, 1), 1),
        (nn.AvgPool2d((5, 2), (1, 3), (2, 1)), 1),
        (nn.AvgPool2d(3, 2, 1, count_include_pad=False), 0),
        (nn.AvgPool2d(3, 2), 0),
    ],
    ids=str,
)
def test_a_mean_leaves_its_padding_out(pool, changed):
    image = torch.randn(1, 3, 9, 12)
    model = openvino.convert_model(pool, example_input=image, input=list(image.shape))
    assert leave_out_padding(model) == changed
    made = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(image.numpy())[0]
    np.testing.assert_allclose(made, pool(image).numpy(), rtol=1e-5, atol=1e-6)
    means = [op for op in model.get_ordered_ops() if op.get_type_name() == "AvgPool"]
    assert [op.get_attributes()["exclude-pad"] for op in means] == [bool(changed) or not pool.count_include_pad]
