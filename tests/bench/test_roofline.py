from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edgekit.bench.roofline import ceilings, roofline
from edgekit.errors import ToolError
from edgekit.types import Bandwidth, Ceilings, DeviceInfo, DeviceState, LayerLoad
from edgekit.types.answers import RooflineAnswer

Ask = Callable[..., dict[str, Any]]

ANSWER: dict[str, Any] = {
    "threads": 1,
    "fp32_macs_per_s": 50e9,
    "blas": "numpy's BLAS",
    "bandwidth": [
        {"footprint_bytes": 1 << 28, "bytes_per_s": 10e9},
        {"footprint_bytes": 1 << 18, "bytes_per_s": 80e9},
    ],
}
LIMITS = Ceilings(
    threads=1,
    macs_per_s={"fp32": 10e9, "int8": 40e9},
    sources={"fp32": "measured: by hand", "int8": "nominal: by hand"},
    bandwidth=(
        Bandwidth(footprint_bytes=1_000_000, bytes_per_s=20e9),
        Bandwidth(footprint_bytes=100_000_000, bytes_per_s=4e9),
    ),
)


STATE = DeviceState(unix_time=1.0).to_plain()


def answer(*isa: str, **more: object) -> RooflineAnswer:
    info = DeviceInfo(machine="x86_64", cpu="a CPU", cores=1, system="Linux", python="3.11", isa=isa)
    seen = {"info": info.to_plain(), "state_before": STATE, "state_after": STATE}
    return RooflineAnswer.from_plain({**ANSWER, **seen, **more})


@pytest.mark.parametrize(
    ("isa", "ratio"),
    [
        (("avx2", "avx512f"), 4 / 3),
        (("avx2", "avx_vnni"), 4),
        (("avx2", "avx512f", "avx512_vnni"), 4),
        (("asimd",), 2),
        (("asimd", "asimddp"), 4),
    ],
)
def test_int8_is_the_measured_peak_times_what_the_instructions_promise(isa: tuple[str, ...], ratio: float) -> None:
    limits = ceilings(answer(*isa))
    assert limits.macs_per_s["fp32"] == 50e9
    assert limits.macs_per_s["int8"] == pytest.approx(50e9 * ratio)
    assert limits.sources["fp32"].startswith("measured")
    assert limits.sources["int8"].startswith("nominal")


def test_an_unknown_cpu_has_no_int8_peak_and_no_int8_roofline() -> None:
    limits = ceilings(answer())
    assert "int8" not in limits.macs_per_s
    assert roofline([LayerLoad(name="a", macs=1, elements=1)], "int8", limits, 1e6) is None


def test_half_precision_arithmetic_doubles_the_peak_only_where_it_exists() -> None:
    assert ceilings(answer("asimd", "asimddp", "asimdhp")).macs_per_s["fp16"] == 100e9
    assert ceilings(answer("asimd")).macs_per_s["fp16"] == 50e9


def test_the_bandwidths_are_sorted_by_footprint() -> None:
    assert [row.footprint_bytes for row in ceilings(answer()).bandwidth] == [1 << 18, 1 << 28]


@pytest.mark.parametrize("broken", [{"bandwidth": []}, {"fp32_macs_per_s": 0.0}])
def test_peaks_that_were_not_measured_are_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="1 validation error"):
        answer(**broken)


def test_by_hand() -> None:
    layers = [
        LayerLoad(name="wide", macs=50_000_000, elements=100_000),  # 5 ms of MACs, 400 kB: 0.02 ms
        LayerLoad(name="folded", macs=0, elements=0),
        LayerLoad(name="head", macs=10_000_000, elements=10_000_000),  # 1 ms of MACs, 40 MB from memory: 10 ms
    ]
    found = roofline(layers, "fp32", LIMITS, 30e6)
    assert found is not None
    assert (found.macs, found.bytes_moved) == (60_000_000, 40_400_000)
    assert found.compute_ns == pytest.approx(6e6)
    assert found.bound_ns == pytest.approx(15e6)
    assert found.memory_share == pytest.approx(10 / 15)
    assert found.binds == "memory"
    assert found.gmacs_per_s == pytest.approx(2.0)
    assert found.compute_share == pytest.approx(0.2)
    assert found.roofline_share == pytest.approx(0.5)


def test_int8_moves_a_quarter_of_the_bytes() -> None:
    layers = [LayerLoad(name="wide", macs=50_000_000, elements=100_000)]
    found = roofline(layers, "int8", LIMITS, 5e6)
    assert found is not None
    assert (found.bytes_moved, found.binds) == (100_000, "compute")
    assert found.bound_ns == pytest.approx(50_000_000 / 40e9 * 1e9)


@pytest.mark.parametrize(("layers", "latency"), [([], 1e6), ([LayerLoad(name="a", macs=1, elements=1)], 0.0)])
def test_nothing_and_no_time_have_no_roofline(layers: list[LayerLoad], latency: float) -> None:
    with pytest.raises(ValueError, match="no roofline"):
        roofline(layers, "fp32", LIMITS, latency)


loads = st.builds(LayerLoad, name=st.just("x"), macs=st.integers(1, 10**9), elements=st.integers(1, 10**8))


@given(st.lists(loads, min_size=1, max_size=20))
def test_the_bound_is_never_below_the_macs_and_never_above_macs_plus_bytes(layers: list[LayerLoad]) -> None:
    found = roofline(layers, "fp32", LIMITS, 1e6)
    assert found is not None
    slowest = min(row.bytes_per_s for row in LIMITS.bandwidth)
    assert found.bound_ns >= found.compute_ns * (1 - 1e-9)
    assert found.bound_ns <= found.compute_ns + found.bytes_moved / slowest * 1e9 + 1e-3
    assert 0 <= found.memory_share <= 1 + 1e-9


def test_this_machine(ask: Ask) -> None:
    limits = ceilings(RooflineAnswer.from_plain(ask("roofline", threads=1, max_s=0.3)))
    # One core of anything from a Pi to a workstation, however busy.
    assert 1e8 < limits.macs_per_s["fp32"] < 1e12
    assert all(1e8 < row.bytes_per_s < 1e12 for row in limits.bandwidth)
    assert [row.footprint_bytes for row in limits.bandwidth][:2] == [1 << 18, 1 << 20]


def test_threads_are_a_whole_number(ask: Ask) -> None:
    with pytest.raises(ToolError, match="threads must be a whole number"):
        ask("roofline", threads=0)
