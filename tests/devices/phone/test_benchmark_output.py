from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.devices.phone.benchmark_output import parse_output
from edgekit.devices.phone.phone import RefusedError, command_line, on_gpu
from edgekit.devices.phone.state import temperatures, throttled
from edgekit.devices.virtual.phone_files import THERMAL
from edgekit.errors import ToolError

CLASSIC = """STARTING!
Loaded model /data/local/tmp/m.tflite
INFO: Replacing 60 out of 66 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 2 partitions for the graph.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=1 curr=3512391

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=2990275 curr=2913402 min=2727568 max=3189954 avg=2.95034e+06 std=109798

Inference timings in us: Init: 17187, First inference: 3512391, Warmup (avg): 3.51239e+06, Inference (avg): 2.95034e+06
Overall peak memory footprint (MB) via periodic monitoring: 45.25
Profiling Info for Benchmark Initialization:
============================== Run Order ==============================
\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t         AllocateTensors\t    1.356\t    1.356\t100.000%\t100.000%\t     0.000\t        1\tAllocateTensors/0
Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t                 CONV_2D\t    4.269\t    4.270\t  0.107%\t  0.107%\t     0.000\t        1\t[MobilenetV1/Relu6]:0
\t       DEPTHWISE_CONV_2D\t    2.150\t    2.150\t  0.054%\t  0.161%\t     0.000\t        1\t[depthwise/Relu6]:1

============================== Top by Computation Time ==============================
"""
NEWER = """I tflite: count=5 first=187533 curr=199462 min=187533 max=235158 avg=211669 std=16613
I tflite: count=2 first=195121 curr=140071 min=140071 max=195121 avg=167596 std=13583 p5=140545 median=141253 p95=195121
I tflite: Inference timings in us: Init: 92318, First inference: 187533, Warmup (avg): 211669, Inference (avg): 167596
"""
LITERT = """[litert] 58 operations will run on the GPU, and the remaining 8 will run on the CPU.
count=1 curr=9000
count=2 curr=4000(all same)
INFO: [benchmark_litert_model.h:60] Model initialization: 12.50 ms
INFO: [benchmark_litert_model.h:61] Warmup (first):       9.00 ms
"""


def test_what_tflite_prints() -> None:
    told = parse_output(CLASSIC)
    assert (told.init_us, told.first_us) == (17187, 3512391)
    assert told.warmup is not None
    assert (told.warmup.count, told.inference.count) == (1, 50)
    assert told.inference.values["avg"] == 2.95034e6
    assert told.inference.samples() is None, "nothing is made up from an average"
    assert told.warmup.samples() == (3512391,)
    (delegate,) = told.delegated
    assert (delegate.nodes, delegate.total, delegate.partitions) == (60, 66, 2)
    assert on_gpu(told)["cpu_ops"] == 6
    assert told.peak_bytes == 45_250_000
    assert told.operators == (
        ("[MobilenetV1/Relu6]:0", "CONV_2D", 4270.0),
        ("[depthwise/Relu6]:1", "DEPTHWISE_CONV_2D", 2150.0),
    )


def test_what_newer_versions_print() -> None:
    told = parse_output(NEWER)
    assert told.inference.values["median"] == 141253
    assert told.inference.samples() == (195121, 140071), "in the order in which they were taken"


def test_what_litert_prints() -> None:
    told = parse_output(LITERT)
    assert (told.init_us, told.first_us) == (12500, 9000)
    assert told.inference.samples() == (4000, 4000)
    assert on_gpu(told)["gpu_ops"] == 58


def test_a_gpu_that_took_nothing_is_an_error() -> None:
    with pytest.raises(RefusedError, match="the GPU took no part"):
        on_gpu(parse_output(NEWER))
    with pytest.raises(RefusedError, match="the GPU took no part"):
        on_gpu(parse_output(CLASSIC.replace("TfLiteGpuDelegateV2", "TfLiteXNNPackDelegate")))


@given(st.integers(0, len(CLASSIC)), st.text(max_size=40))
def test_what_is_cut_or_spoilt_is_an_error_or_figures(where: int, noise: str) -> None:
    for text in (CLASSIC[:where], CLASSIC[:where] + noise + CLASSIC[where:], noise):
        try:
            told = parse_output(text)
        except ToolError as error:
            assert "printed no timings" in str(error)  # noqa: PT017
        else:
            assert told.inference.count >= 1


def test_the_command_line() -> None:
    request = {"model": "/data/m x.tflite", "threads": 4, "accelerator": "gpu", "inference_precision": "f32"}
    flags = command_line(request, num_runs="2")
    assert {"--graph=/data/m x.tflite", "--num_threads=4", "--use_gpu=true", "--num_runs=2"} <= set(flags)
    assert "--gpu_precision_loss_allowed=false" in flags
    assert not [flag for flag in command_line({**request, "accelerator": "cpu"}) if "gpu" in flag]
    with pytest.raises(RefusedError, match="cannot measure the npu"):
        command_line({**request, "accelerator": "npu"})


def test_only_current_temperatures_count() -> None:
    stale = THERMAL.replace("mValue=36.5, mType=3, mName=skin", "mValue=99.0, mType=3, mName=old", 1)
    assert temperatures(stale) == {"CPU0": 41.2, "GPU0": 39.8, "battery": 31.0, "skin": 36.5}
    assert temperatures("Can't find service: thermalservice") is None
    assert throttled(THERMAL) == []
    assert throttled(THERMAL.replace("Status: 0", "Status: 3")) == ["thermal status 3 (severe)"]
    assert throttled("") is None
