from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.bench import agent
from edgekit.bench.launch import AGENT
from edgekit.errors import ToolError
from edgekit.stats import relative_half_width
from edgekit.types import DeviceInfo, DeviceState

Ask = Callable[..., dict[str, Any]]

SHORT = {"warmup_min_s": 0.01, "min_s": 0.02, "max_s": 2.0}


# The file travels


def test_it_is_written_in_python_3_7() -> None:
    ast.parse(AGENT.read_text(), feature_version=(3, 7))


def test_it_imports_the_standard_library_at_the_top_and_nothing_of_edgekit() -> None:
    tree = ast.parse(AGENT.read_text())
    everywhere = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {a.name.split(".")[0] for n in everywhere if isinstance(n, ast.Import) for a in n.names}
    names |= {str(n.module).split(".")[0] for n in everywhere if isinstance(n, ast.ImportFrom)}
    assert all(n.level == 0 for n in everywhere if isinstance(n, ast.ImportFrom))
    third_party = names - set(sys.stdlib_module_names)
    assert third_party == {"numpy", "onnxruntime", "openvino", "ai_edge_litert", "tflite_runtime"}


# The machine


def test_info_and_state_fit_the_vocabulary(ask: Ask) -> None:
    value = ask("info")
    info = DeviceInfo.model_validate_json(json.dumps(value["info"]))
    assert info.cores >= 1
    assert info.cpu
    assert value["versions"]["numpy"] == np.__version__
    DeviceState.model_validate_json(json.dumps(value["state"]))
    DeviceState.model_validate_json(json.dumps(ask("state")))


def test_what_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert agent.read_text(str(tmp_path / "missing")) is None
    (tmp_path / "temp").write_text("not a number\n")
    assert agent.read_int(str(tmp_path / "temp")) is None
    assert agent.known({"cpu0": None}) is None


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0, []),
        (0x1, ["under-voltage"]),
        (0x50005, ["under-voltage", "throttled", "under-voltage since boot", "throttled since boot"]),
        (0x80000, ["soft temperature limit since boot"]),
    ],
)
def test_throttle_bits_become_words(bits: int, words: list[str]) -> None:
    assert agent.decode_throttled(bits) == words


PI4 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU part\t: 0xd08

processor\t: 1
CPU part\t: 0xd08

Hardware\t: BCM2835
Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""


def test_a_cpu_is_named_by_its_model_or_its_board_and_cores() -> None:
    assert agent.describe_cpu("model name\t: Some CPU @ 3 GHz\n" * 2, None) == "Some CPU @ 3 GHz"
    assert agent.describe_cpu(PI4, None) == "Raspberry Pi 4 Model B Rev 1.4, 2 x Cortex-A72"
    assert agent.describe_cpu("CPU part\t: 0xd05\n" * 4 + "CPU part\t: 0xd0b\n", "Some Board") == (
        "Some Board, 4 x Cortex-A55 + 1 x Cortex-A76"
    )
    assert agent.describe_cpu("", None) is None
    assert agent.isa_flags(PI4) == ["asimd"]
    assert agent.isa_flags("flags\t: fpu avx2 avx512_vnni\n") == ["avx2", "avx512_vnni"]


# run


def photos(count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((count, 3, 8, 8), dtype=np.float32)


def test_the_runtimes_agree(ask: Ask, tmp_path: Path) -> None:
    outputs = {}
    for name in ("onnxruntime", "openvino", "litert"):
        x = photos() if name != "litert" else photos().transpose(0, 2, 3, 1)
        np.save(tmp_path / "x.npy", x)
        value = ask("run", name, inputs=str(tmp_path / "x.npy"), outputs=str(tmp_path / "y.npy"))
        assert value["count"] == 3
        assert value["output_dtype"] == "float32"
        outputs[name] = np.load(tmp_path / "y.npy")
        assert outputs[name].shape == (3, 5)
    np.testing.assert_allclose(outputs["openvino"], outputs["onnxruntime"], atol=1e-5)
    np.testing.assert_allclose(outputs["litert"], outputs["onnxruntime"], atol=1e-5)
    assert np.ptp(outputs["litert"], axis=0).min() > 0  # every image got its own answer


def test_int8_goes_in_and_comes_out_as_stored(ask: Ask, tiny: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 8, 8, 3), np.int8))
    model = str(tiny / "tflite-int8" / "model.tflite")
    value = ask("run", "litert", model=model, inputs=str(tmp_path / "x.npy"), outputs=str(tmp_path / "y.npy"))
    assert value["output_dtype"] == "int8"
    assert np.load(tmp_path / "y.npy").dtype == np.int8


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (photos().astype(np.float64), "is float64; the model's input 'image' takes float32"),
        (photos().transpose(0, 2, 3, 1), r"has shape \[1, 8, 8, 3\]; the model's input 'image' takes \[1, 3, 8, 8\]"),
        (photos(0), r"has shape \[0, 3, 8, 8\]"),
    ],
)
def test_run_refuses_what_the_model_does_not_take(ask: Ask, tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ToolError, match=message):
        ask("run", "onnxruntime", inputs=str(tmp_path / "x.npy"), outputs=str(tmp_path / "y.npy"))
    assert not (tmp_path / "y.npy").exists()


# inspect


def test_onnxruntime_tells_its_kernels(ask: Ask) -> None:
    value = ask("inspect", "onnxruntime")
    assert [n["type"] for n in value["executed"]].count("Conv") == 2
    assert value["executed"][0]["inputs"][0] == "float32"
    assert (value["nodes"], value["tensors"], value["delegate"]) == ([], [], None)
    assert value["inputs"] == [
        {"name": "image", "shape": [1, 3, 8, 8], "dtype": "float32", "scale": None, "zero_point": None}
    ]


def test_openvino_tells_its_operators_and_kernels(ask: Ask) -> None:
    value = ask("inspect", "openvino")
    assert [n["type"] for n in value["nodes"]].count("Convolution") == 2
    convolutions = [n for n in value["executed"] if n["type"] == "Convolution"]
    assert len(convolutions) == 2
    assert {n["precision"] for n in convolutions} == {"float32"}
    weights = [t for t in value["tensors"] if t["constant"] and t["shape"] == [8, 3, 3, 3]]
    assert [t["bytes"] for t in weights] == [8 * 3 * 3 * 3 * 4]


def test_litert_tells_what_the_delegate_took(ask: Ask, tiny: Path) -> None:
    value = ask("inspect", "litert")
    assert value["delegate"] == {
        "name": "XNNPACK",
        "partitions": 1,
        "delegated": len(value["nodes"]),
        "undelegated": {},
    }
    quantized = ask("inspect", "litert", model=str(tiny / "tflite-int8" / "model.tflite"))
    assert quantized["delegate"]["partitions"] == 2
    assert quantized["delegate"]["undelegated"] == {"HARD_SWISH": 1}
    assert {n["type"]: n["delegated"] for n in quantized["executed"]}["HARD_SWISH"] is False
    assert quantized["inputs"][0]["scale"] == pytest.approx(0.003888, abs=1e-6)
    weights = [t for t in quantized["tensors"] if t["constant"] and t["shape"] == [8, 3, 3, 3]]
    assert [(t["dtype"], t["bytes"], t["channels"]) for t in weights] == [("int8", 216, 8)]


# bench, per_op, memory


def test_bench_keeps_raw_samples(ask: Ask, runtime: str) -> None:
    value = ask("bench", runtime, threads=1, min_iterations=60, max_iterations=60, target_half_width=0.0, **SHORT)
    assert len(value["samples_ns"]) == 60
    assert value["ended_by"] == "iterations"
    assert len(value["warmup_ns"]) >= 10
    assert min(value["samples_ns"]) > 0
    assert value["load_ns"] > 0
    assert value["first_inference_ns"] > 0
    assert value["half_width"] == pytest.approx(relative_half_width(value["samples_ns"]))
    assert value["state_after"]["unix_time"] > value["state_before"]["unix_time"]
    assert 1 in value["settings"].values()


def test_bench_ends_when_the_median_is_known(ask: Ask) -> None:
    value = ask("bench", "litert", **{**SHORT, "target_half_width": 0.5})
    assert value["ended_by"] == "precision"
    assert value["half_width"] < 0.5
    assert sum(value["samples_ns"]) < 2e9


def test_bench_ends_at_the_time_limit(ask: Ask) -> None:
    value = ask("bench", "litert", min_iterations=10**7, max_iterations=10**7, min_s=9.0, warmup_min_s=0.01, max_s=0.05)
    assert value["ended_by"] == "time"
    assert 0.03e9 < sum(value["samples_ns"]) < 0.5e9


def test_bench_takes_an_input(ask: Ask, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", photos(1))
    assert ask("bench", "onnxruntime", input=str(tmp_path / "x.npy"), **SHORT)["samples_ns"]
    np.save(tmp_path / "x.npy", photos(2))
    with pytest.raises(ToolError, match=r"shape \[2, 3, 8, 8\]"):
        ask("bench", "onnxruntime", input=str(tmp_path / "x.npy"), **SHORT)


def test_openvino_computes_in_float32_unless_told(ask: Ask) -> None:
    assert ask("bench", "openvino", **SHORT)["settings"]["INFERENCE_PRECISION_HINT"] == "f32"
    free = ask("bench", "openvino", inference_precision="default", **SHORT)
    assert "INFERENCE_PRECISION_HINT" not in free["settings"]


def test_operators_are_timed(ask: Ask, runtime: str) -> None:
    value = ask("per_op", runtime, runs=5)
    assert sum("conv" in op["type"].lower() for op in value["per_op"]) == 2
    assert all(0 <= op["ns"] < 10_000_000 for op in value["per_op"])
    assert value["note"] == ""


def test_litert_times_operators_inside_and_outside_the_delegate(ask: Ask, tiny: Path) -> None:
    value = ask("per_op", "litert", model=str(tiny / "tflite-int8" / "model.tflite"), runs=3)
    kinds = {op["type"]: op["name"] for op in value["per_op"]}
    assert kinds["HARD_SWISH"] == "operator 1"
    assert kinds["Mean (ND) Reduce"].startswith("delegate operator")


def test_memory_is_of_a_process_that_loaded_the_model(ask: Ask, runtime: str) -> None:
    value = ask("memory", runtime)
    assert 10e6 < value["baseline_rss_bytes"] <= value["peak_rss_bytes"] < 2e9


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "float32", "float16"])
def test_random_inputs_fill_the_type(dtype: str) -> None:
    array = agent.random_input({"shape": [1, 64, 64], "dtype": dtype}, seed=0)
    assert array.dtype.name == dtype
    low, high = (0, 1) if dtype.startswith("float") else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    assert low <= array.min() <= low + (float(high) - low) * 0.01
    assert high - (float(high) - low) * 0.01 <= array.max() <= high


def test_only_the_batch_may_be_open() -> None:
    assert agent.fixed_shape("x", ["N", 3, 8, 8]) == [1, 3, 8, 8]
    with pytest.raises(agent.AgentError, match=r"open shape \[1, 3, 'h', 'w'\]"):
        agent.fixed_shape("x", [1, 3, "h", "w"])


# Refusals


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"command": "benhc"}, "unknown command 'benhc'; known: info"),
        ({"command": "bench", "runtime": "tvm"}, "unknown runtime 'tvm'; known: litert, onnxruntime, openvino"),
        ({"command": "bench", "runtime": "litert", "accelerator": "dsp"}, "measured on the accelerator 'dsp'"),
        ({"command": "bench", "runtime": "litert", "threads": 0}, "threads must be a whole number from 1, got 0"),
        ({"command": "bench", "runtime": "litert", "model": "/nowhere"}, "no model file at '/nowhere'"),
        ([], "a request is a JSON object, got list"),
    ],
)
def test_a_bad_request_is_refused_in_words(tmp_path: Path, request_: Any, message: str) -> None:
    (tmp_path / "request.json").write_text(json.dumps(request_))
    command = [sys.executable, str(AGENT), str(tmp_path / "request.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["ok"] is False
    assert answer["kind"] == "request"
    assert message in answer["message"]
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_model_is_refused(ask: Ask, runtime: str, tmp_path: Path) -> None:
    suffix = {"onnxruntime": ".onnx", "openvino": ".xml", "litert": ".tflite"}[runtime]
    (tmp_path / f"broken{suffix}").write_bytes(b"not a model" * 10)
    with pytest.raises(ToolError, match=f"{runtime} cannot load .*broken"):
        ask("bench", runtime, model=str(tmp_path / f"broken{suffix}"))


def test_the_protocol_survives_libraries_that_print(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"command": "noise"}')
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import agent\n"
        "agent.COMMANDS['noise'] = lambda request: (os.write(1, b'native noise'), print('more'), {})[2]\n"
        "sys.exit(agent.main(sys.argv[2:]))"
    )
    command = [sys.executable, "-c", program, str(AGENT.parent), str(tmp_path / "request.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == '{"ok": true, "value": {}}\n'
    assert "native noise" in done.stderr


# Energy and cores


@given(
    before=st.integers(0, 10**12),
    spent=st.integers(0, 10**12),
    span=st.integers(1, 10**12),
)
def test_a_counter_that_starts_again_loses_nothing(before: int, spent: int, span: int) -> None:
    before, spent = before % span, spent % span
    assert agent.energy_spent(before, (before + spent) % span, span) == spent


def test_a_counter_that_fell_for_no_known_reason_tells_nothing() -> None:
    assert agent.energy_spent(10, 5, None) is None
    assert agent.energy_spent(10, 5, 8) is None


HYBRID = {0: 1024, 1: 1010, 2: 446, 3: 446, 4: 700}


@pytest.mark.parametrize(
    ("wanted", "strength", "expected"),
    [
        ("big", HYBRID, [0, 1]),
        ("little", HYBRID, [2, 3]),
        ("little", {0: 1000, 1: 950, 2: 880, 3: 890, 4: 1000}, [2, 3]),
        ("big", dict.fromkeys(range(5), 5), [0, 1, 2, 3, 4]),
        ([4, 1, 1], {}, [1, 4]),
    ],
)
def test_which_cores_are_meant(wanted: Any, strength: dict[int, int], expected: list[int]) -> None:
    assert agent.chosen_cores(wanted, range(5), strength) == expected


@pytest.mark.parametrize("wanted", ["huge", [], [True], 3, {"a": 1}])
def test_cores_that_mean_nothing(wanted: Any) -> None:
    with pytest.raises(agent.AgentError, match="cores must be big, little or a list of numbers"):
        agent.chosen_cores(wanted, range(4), HYBRID)
