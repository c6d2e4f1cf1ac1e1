from __future__ import annotations

from collections.abc import Callable

from edgekit.reports.summary import acceleration, delegate
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
