"""Node data for Model Explorer: by output tensors, of what has a time or a layer's name."""

from __future__ import annotations

import json

from edgekit.reports.inspected.node_data import FileNode, latency_data, node_data, sqnr_data
from edgekit.types import LayerError, LayerErrors, OpTime

NODES = [
    FileNode("node_conv", ("conv_out",)),
    FileNode("", ("net/features_0_0;relu",)),
    FileNode("fused", ("x",)),
    FileNode("nothing", ()),
]


def test_times_by_the_operators_name_or_its_output() -> None:
    times = [
        OpTime(name="conv_out_nchwc", type="Conv", ns=3_000_000),
        OpTime(name="net/features_0_0;relu", type="Relu", ns=500_000),
        OpTime(name="Reorder", type="ReorderOutput", ns=1),
        OpTime(name="nothing", type="Nothing", ns=1),
    ]
    assert latency_data(NODES, times) == {"conv_out": 3.0, "net/features_0_0;relu": 0.5}
    assert latency_data(NODES, []) == {}


def test_sqnr_of_the_layers_that_have_a_tensor() -> None:
    def layer(name: str, db: float | None, tensor: str | None) -> LayerError:
        return LayerError(name=name, path=name, kinds=("conv",), sqnr_db=db, tensor=tensor)

    errors = LayerErrors(
        model="tiny", profile="tflite-int8", images=4, own_images=4, scores_db=20.0, tapped_scores_db=20.0,
        layers=(layer("a", 21.5, "net/a;relu"), layer("old", 9.0, None), layer("fused", None, None)),
    )  # fmt: skip
    assert sqnr_data(errors) == {"net/a;relu": 21.5}


def test_what_is_written() -> None:
    found = json.loads(node_data("SQNR, dB", {"a": 12.3456789, "b": 40.0}, worst_is_high=False))
    assert found["results"] == {"a": {"value": 12.345679}, "b": {"value": 40.0}}
    assert [one["stop"] for one in found["gradient"]] == [0, 1]
    assert found["gradient"][1]["bgColor"] == "#ffffff"
    assert json.loads(node_data("ms", {}, worst_is_high=True))["gradient"][0]["bgColor"] == "#ffffff"
