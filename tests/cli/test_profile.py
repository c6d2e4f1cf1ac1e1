from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from edgekit.cli.profile import profile_command
from edgekit.errors import UsageError

DATA = Path(__file__).parent.parent / "data" / "artifacts"
APP = typer.Typer()
APP.command()(profile_command)


def test_json_goes_to_stdout_alone(tmp_path: Path) -> None:
    arguments = [str(DATA / "tiny" / "tflite-int8"), "--json", "--reports", str(tmp_path)]
    done = CliRunner().invoke(APP, arguments, catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found["failures"] == []
    (measurement,) = found["measurements"]
    assert measurement["model"] == "tiny"
    assert measurement["p50_ms"] <= measurement["p90_ms"]
    assert Path(measurement["report"]).is_file()
    assert done.stderr == ""


def test_the_table_goes_to_stderr_and_no_progress_off_a_terminal(tmp_path: Path) -> None:
    arguments = [str(DATA / "tiny" / "onnx-fp32"), "--per-op", "--reports", str(tmp_path)]
    done = CliRunner().invoke(APP, arguments, catch_exceptions=False)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[1].split()[:2] == ["model", "format"]
    assert lines[2].split()[:3] == ["tiny", "onnx", "fp32"]
    assert any(line.startswith("weights: random for tiny") for line in lines)
    assert any("slowest of" in line for line in lines)
    assert lines[-1] == f"report: {tmp_path / 'local' / 'tiny__onnx-fp32__onnxruntime-cpu-t1.json'}"
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stderr


def test_failures_are_in_the_json_and_raised(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "manifest.json").write_bytes((DATA / "tiny" / "tflite-int8" / "manifest.json").read_bytes())
    done = CliRunner().invoke(APP, [str(folder), "--json", "--reports", str(tmp_path / "reports")])
    found = json.loads(done.stdout)
    assert found["measurements"] == []
    assert found["failures"][0]["artifact"] == "tiny/tflite-int8"
    assert found["failures"][0]["exit_code"] == 2
    assert isinstance(done.exception, UsageError)


def test_a_mistake_is_raised_for_the_error_boundary(tmp_path: Path) -> None:
    done = CliRunner().invoke(APP, ["--artifacts", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert done.stdout == ""


def test_help_names_every_option() -> None:
    done = CliRunner().invoke(APP, ["--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0
    for option in ("--device", "-d", "--runtime", "--threads", "--per-op", "--json", "--artifacts", "--reports"):
        assert option in done.stdout


@pytest.mark.parametrize("module", ["numpy", "pydantic", "edgekit.verbs", "edgekit.reports"])
def test_it_loads_nothing_until_it_runs(module: str) -> None:
    program = f"import sys, edgekit.cli.profile; sys.exit({module!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("threads", ["0", "two", "1,,2", "-1", "1.5", "1,999999999", "9" * 30])
def test_thread_counts_are_whole_numbers(tmp_path: Path, threads: str) -> None:
    done = CliRunner().invoke(APP, [str(DATA / "tiny"), "--threads", threads, "--reports", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert repr(threads) in str(done.exception)


@pytest.mark.parametrize("time", ["", "10", "m", "1s", "-3m", "nans", "1e3s", "ten minutes"])
def test_a_long_run_has_a_length(tmp_path: Path, time: str) -> None:
    done = CliRunner().invoke(APP, [str(DATA / "tiny"), "--sustained", time, "--reports", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert f"--sustained takes a time from 2s, got {time!r}" in str(done.exception)


def test_a_long_run_is_kept_and_told(tmp_path: Path) -> None:
    arguments = [str(DATA / "tiny" / "tflite-fp32"), "--sustained", "2.5s", "--reports", str(tmp_path)]
    done = CliRunner().invoke(APP, arguments, catch_exceptions=False)
    assert "tiny tflite-fp32: first window " in done.stderr
    assert "steady state (median of the last quarter)" in done.stderr
    (report,) = (tmp_path / "local").glob("*.json")
    points = json.loads(report.read_text())["sustained"]
    assert [round(point["t_s"], 1) for point in points] == pytest.approx([0.5, 1.5, 2.2], abs=0.3)
    assert all(point["latency_ns"] > 0 for point in points)


def test_a_provider_needs_an_accelerator(tmp_path: Path) -> None:
    done = CliRunner().invoke(APP, [str(DATA / "tiny"), "--provider", "webgpu", "--reports", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert done.exception.hint == "add --accelerator gpu, or npu"
