from __future__ import annotations

from collections.abc import Callable

import pytest

from edgekit.catalog import find_card
from edgekit.reports.summary import acceleration, delegate, published_top1
from edgekit.types import Delegation, Measurement

PART = Delegation(name="WebGpu", share=3 / 5, partitions=2, undelegated={"LRN": 2}, reasons=("LRN: no kernel (a, b)",))


def test_what_an_accelerator_takes_and_is(make: Callable[..., Measurement]) -> None:
    settings = {"adapter": "Mali-G710", "gpu_precision": "fp32"}
    found = make(accelerator="gpu", delegation=PART, settings=settings)
    taken = "WebGpu takes 60.0% of the operators in 2 partitions; left: LRN: no kernel (a, b) (on the device)"
    assert acceleration(found) == f"{taken}, Mali-G710, fp32"
    assert acceleration(make(accelerator="npu", settings={"adapter": "AI Boost"})) == "AI Boost"


def test_a_cpu_s_delegate_is_known_from_the_export(make: Callable[..., Measurement]) -> None:
    found = make(delegation=PART.model_copy(update={"reasons": ()}))
    assert acceleration(found) == ""
    assert delegate(found) == "WebGpu takes 60% of the operators in 2 partitions; left: 2 LRN (at export)"


@pytest.mark.parametrize(
    ("changes", "top1"),
    [
        ({"weights_kind": "random", "classes": 1000}, 72.0),
        ({"weights_kind": "random", "classes": 10}, None),
        ({"weights_kind": "pretrained", "weights_sha256": "b0353104" + "0" * 56, "classes": 1000}, 71.878),
        ({"weights_kind": "file", "weights_sha256": "7ebf99e0" + "0" * 56, "classes": 1000}, 72.154),
        ({"weights_kind": "file", "weights_sha256": "7ebf99e0" + "0" * 56, "classes": 10}, None),
        ({"weights_kind": "file", "weights_sha256": "0" * 64, "classes": 1000}, None),
        ({"weights_kind": "file"}, None),
        ({"weights_kind": "pretrained"}, 72.0),
    ],
)
def test_published_accuracy_is_that_of_the_published_weights(
    make: Callable[..., Measurement], changes: dict[str, object], top1: float | None
) -> None:
    card = find_card("mobilenet_v2_1.0")
    found, source = published_top1(card, make(model=card.id, **changes))
    assert found == top1
    assert bool(source) == (top1 is not None)
    assert published_top1(None, make(**changes)) == (None, "")
