from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Session
from edgekit.catalog import profile_for
from edgekit.errors import InconclusiveError, VerificationError
from edgekit.tuning.build import Built
from edgekit.tuning.speedup import audit_costs, dearer_types, int8_vs_float, shortfall
from edgekit.types import Device, Int8VsFloat, OpTime, Ratio, Stored, TuningConditions

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
CONDITIONS = TuningConditions(
    model="tiny",
    target="x86-vnni",
    device="local",
    cpu="a CPU",
    runtime="litert",
    runtime_version="2.3.0",
    threads=1,
    date="2026-01-02",
)


def built(profile: str) -> Built:
    return Built(profile_for(*profile.split("-")), read_manifest(TINY / profile))


def ratio(value: float, low: float, high: float) -> Ratio:
    return Ratio(ratio=value, low=low, high=high, pairs=10)


def op(kind: str, ms: float) -> OpTime:
    return OpTime(name="", type=kind, ns=int(ms * 1e6))


def test_the_operators_that_cost_int8_its_time_come_first():
    int8 = [op("QLinearConv", 5.0), op("Transpose", 2.0), op("Transpose", 2.0), op("Gemm", 0.9), op("Cast", 0.01)]
    float_ = [op("Conv", 4.0), op("Transpose", 0.5), op("Gemm", 1.0)]
    assert dearer_types(int8, float_) == [
        "1 QLinearConv: 5.00 ms, 50% of int8's time",
        "2 Transpose: 4.00 ms, 40% of int8's time; in float32 0.50 ms",
        "float32 takes 5.50 ms: 1 Conv 4.00 ms, 1 Gemm 1.00 ms, 1 Transpose 0.50 ms",
    ]


def test_the_audit_names_what_int8_pays_for():
    audit = built("tflite-int8").artifact.audit
    assert audit_costs(audit.model_copy(update={"undelegated": {}, "float_ops": {}, "transposes": 0})) == []
    costly = audit.model_copy(
        update={
            "float_ops": {"BatchNormalization": 73},
            "quantize_ops": 147,
            "dequantize_ops": 220,
            "transposes": 146,
            "undelegated": {"HARD_SWISH": 21},
            "delegate": "XNNPACK",
            "delegate_partitions": 22,
        }
    )
    assert audit_costs(costly) == [
        "computed in float: 73 BatchNormalization",
        "147 quantize and 220 dequantize operators are executed",
        "146 transposes are executed",
        "outside XNNPACK, in 22 partition(s): 21 HARD_SWISH",
    ]


def test_costs_are_measured_only_where_int8_does_not_pay():
    session = Session(ThisMachine(), Device(id="local", transport="local"))
    int8, float_ = built("tflite-int8"), built("tflite-fp32")
    fast = int8_vs_float(ratio(1.5, 1.4, 1.6), int8, float_, session, CONDITIONS)
    assert (fast.speed, fast.costs) == ("faster", ())
    slow = int8_vs_float(ratio(0.5, 0.4, 0.6), int8, float_, session, CONDITIONS)
    assert slow.speed == "slower"
    assert any(cost.startswith("float32 takes ") for cost in slow.costs)
    asked = int8_vs_float(ratio(1.5, 1.4, 1.6), int8, float_, session, CONDITIONS, bound=2.0)
    assert asked.speed == "faster"
    assert asked.costs


def test_operators_that_cannot_be_timed_are_said(tmp_path):
    session = Session(ThisMachine(), Device(id="local", transport="local"))
    int8 = Built(built("tflite-int8").profile, Stored(tmp_path, built("tflite-int8").artifact))
    (tmp_path / "model.tflite").write_bytes(b"broken")
    found = int8_vs_float(ratio(0.5, 0.4, 0.6), int8, built("tflite-fp32"), session, CONDITIONS)
    assert found.costs[0].startswith(
        "operator times are not known: operator times of tiny tflite-int8 on litert failed"
    )


@pytest.mark.parametrize(
    ("interval", "bound", "error"),
    [
        ((1.2, 1.1, 1.3), 1.0, None),
        ((1.2, 1.1, 1.3), 1.5, VerificationError),
        ((0.9, 0.8, 0.99), 1.0, VerificationError),
        ((1.0, 0.98, 1.02), 1.0, VerificationError),  # as fast is not faster
        ((1.1, 0.8, 1.4), 1.0, InconclusiveError),
    ],
)
def test_a_missed_speedup_is_an_error_with_the_costs(interval, bound, error):
    found = Int8VsFloat(conditions=CONDITIONS, speed="slower", ratio=ratio(*interval), costs=("3 SUB: 1.00 ms",))
    raised = shortfall(found, bound)
    assert type(raised) is (error or type(None))
    if error is VerificationError:
        assert f"int8 is not over {bound:g}x as fast as float32" in str(raised)
        assert "\n  3 SUB: 1.00 ms" in str(raised)
        assert raised.exit_code == 1
    if error is InconclusiveError:
        assert "cannot be told" in str(raised)
        assert raised.exit_code == 4


def test_nothing_is_said_of_int8_on_an_overloaded_device():
    session = Session(ThisMachine(), Device(id="local", transport="local"))
    busy = "20.1 runnable tasks on 2 cores"
    slow = ratio(0.05, 0.04, 0.06)
    found = int8_vs_float(slow, built("tflite-int8"), built("tflite-fp32"), session, CONDITIONS, overload=busy)
    assert (found.speed, found.costs) == ("undecided", ())
    raised = shortfall(found, 1.0)
    assert isinstance(raised, InconclusiveError)
    assert busy in str(raised)
