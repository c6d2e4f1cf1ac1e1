from edgekit.reports.page.heat import STEPS, heat_map
from edgekit.reports.summary import summarise


def test_one_real_device_has_no_map(several):
    assert heat_map(summarise(several, {})) is None


def test_the_fastest_of_each_pair_is_shown_and_emulated_devices_are_not(make, several):
    pi = [make(device="rpi4", p50_ms=40.0), make(device="rpi4", format_="onnx", p50_ms=80.0)]
    found = heat_map(summarise([*several, *pi], {}))
    assert found.devices == ("local", "rpi4")
    lines = {(model, precision): cells for model, precision, cells in found.lines}
    here, there = lines["mobilenet_v3_large_1.0", "int8"]
    assert there.row.measurement.format == "tflite"
    assert there.step == STEPS - 1
    assert here.step < there.step
    assert lines["mobilenet_v2_1.0", "fp16"][1] is None


def test_equal_latencies_have_one_shade(make):
    same = [make(device=name, samples_ns=(5_000_000,) * 9) for name in ("a", "b")]
    (_, _, cells), *_ = heat_map(summarise(same, {})).lines
    assert [cell.step for cell in cells] == [0, 0]
