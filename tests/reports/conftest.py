"""Measurements made up for the pages."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from edgekit.types import RUNTIME_OF, Device, DeviceInfo, DeviceState, Measurement, OpTime, Verdict

NASTY = "CPU <script>alert(1)</script> | \"a\" & 'b'"


@pytest.fixture
def make() -> Callable[..., Measurement]:
    """A function that makes a measurement; keyword arguments change its fields."""

    def build(
        model: str = "mobilenet_v3_large_1.0",
        format_: str = "tflite",
        precision: str = "int8",
        p50_ms: float = 7.0,
        device: str = "local",
        emulated: bool = False,
        **changes: object,
    ) -> Measurement:
        generator = random.Random(f"{model} {format_} {precision}")
        samples = tuple(int(p50_ms * 1e6 * (1 + abs(generator.gauss(0, 0.02)))) for _ in range(200))
        state = DeviceState(
            unix_time=1.9e9,
            load_1m=0.25,
            clock_khz={"cpu0": 2_400_000},
            governor={"cpu0": "performance"},
            temperature_c={"soc": 51.0},
            throttled=(),
        )
        base = Measurement(
            model="a_name",
            profile=f"{format_}-{precision}",
            format=format_,
            precision=precision,
            io="float32",
            artifact_sha256="ab" * 32,
            artifact_bytes=5_900_000,
            params=5_483_032,
            macs=216_589_760,
            weights_kind="random",
            parity_cosine=0.9921,
            parity_sqnr_db=21.0,
            parity_top1_agree=15,
            parity_images=16,
            device=Device(id=device, transport="virtual" if emulated else "local"),
            info=DeviceInfo(
                machine="x86_64", cpu=NASTY, cores=2, system="Linux", python="3.11", isa=("avx2",), emulated=emulated
            ),
            runtime=RUNTIME_OF[format_],
            runtime_version="1.2.3",
            threads=1,
            warmup_ns=samples[:10],
            samples_ns=samples,
            load_ns=31_000_000,
            first_inference_ns=20_000_000,
            peak_rss_bytes=130_000_000,
            baseline_rss_bytes=60_000_000,
            per_op=(OpTime(name="conv<1>", type="CONV_2D", ns=900_000), OpTime(name="fc", type="FC", ns=100_000)),
            state_before=state,
            state_after=state,
            versions={"numpy": "2.4.6"},
            measured_at="2030-01-02T03:04:05Z",
            verdict=Verdict(name="emulated" if emulated else "stable"),
        )
        # Unchecked: pages escape whatever they are given, also what no stored file may hold.
        return base.model_copy(update={"model": model, **changes})

    return build


@pytest.fixture
def several(make) -> list[Measurement]:
    """Five measurements of two devices, one of them emulated."""
    return [
        make(),
        make(format_="onnx", precision="fp32", p50_ms=9.8, verdict=Verdict(name="noisy", reasons=("drifts by 5 %",))),
        make("mobilenet_v2_1.0", "openvino", "fp16", 8.4, weights_kind="pretrained"),
        make("a_network_without_a_card", "onnx", "int8", 6.4, per_op=None),
        make(device="virtual-rpi4", emulated=True, p50_ms=371.0),
    ]
