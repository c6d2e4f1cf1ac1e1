"""``edgekit compare`` as a program."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from edgekit.bench.agent_archive import AGENT_FILE
from edgekit.reports.store import load, save

PROGRAM = Path(sys.executable).with_name("edgekit")
DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def stored(project: Path) -> Path:
    m = load(DATA / "report_v1.json")
    slow = {"profile": "slow", "samples_ns": tuple(ns + 1_000_000 for ns in m.samples_ns)}
    for changes in ({}, slow, {"profile": "short", "samples_ns": m.samples_ns[:1]}, {"threads": 2}):
        save(project / "device_reports", m.model_copy(update=changes))
    return project


def test_exit_codes_tell_the_outcomes_apart(edgekit, stored: Path):
    done = edgekit("compare", "tflite-int8__litert-cpu-t1", "slow")
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("B is slower: +5.9% (95% interval +5.8% to ")
    assert edgekit("compare", "slow", "short").returncode == 4
    done = edgekit("compare", "slow", "t2")
    assert done.returncode == 5
    assert "not comparable: threads: 1 against 2" in done.stderr
    assert edgekit("compare", "slow", "nothing").returncode == 2
    assert edgekit("compare", "slow", "slow", "--json", "--markdown").returncode == 2


def test_json_and_markdown_go_to_stdout(edgekit, stored: Path):
    found = json.loads(edgekit("compare", "tflite-int8__litert-cpu-t1", "slow", "--json").stdout)
    assert found["result"] == "slower"
    assert found["ratio"]["low"] < found["ratio"]["ratio"] < found["ratio"]["high"]
    assert "lower bound" in found["doubts"][0] or "at least this" in found["doubts"][0]
    page = edgekit("compare", "tflite-int8__litert-cpu-t1", "slow", "--markdown").stdout
    assert page.startswith("### B is slower: +5.9%")


def agents_of(parent: int) -> list[int]:
    """Processes that run the agent for ``parent``."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            mother = int(stat.read_text().rpartition(")")[2].split()[1])
            if mother == parent and f"/{AGENT_FILE}\0" in stat.with_name("cmdline").read_text():
                found.append(int(stat.parent.name))
    return found


def compare_while_agents_die(project: Path, step: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a comparison whose agent is killed as soon as ``step`` begins."""
    tiny = DATA / "artifacts" / "tiny"
    command = [str(PROGRAM), "compare", str(tiny / "onnx-fp32"), str(tiny / "tflite-fp32"), "--pairs", "20", *arguments]
    terminal, theirs = os.openpty()  # steps are shown on a terminal only
    said, killed = [], []
    with (
        (project / "stdout").open("w+") as stdout,
        os.fdopen(terminal, encoding="utf-8") as stderr,
        subprocess.Popen(command, cwd=project, stdout=stdout, stderr=theirs, env={**os.environ, "CI": ""}) as child,
    ):
        os.close(theirs)
        with suppress(OSError):  # how a terminal says that everybody has left
            for line in stderr:
                said.append(line.rstrip("\r\n"))
                if said[-1].endswith(step) and not killed:
                    killed = agents_of(child.pid)
                    for agent in killed:
                        os.kill(agent, signal.SIGKILL)
        code = child.wait()
        assert len(killed) == 1, "\n".join(said)
        stdout.seek(0)
        return code, stdout.read(), "\n".join(said)


def test_a_device_that_dies_too_early_leaves_no_comparison(project: Path):
    code, stdout, stderr = compare_while_agents_die(project, "round 2: B: latency: measure")
    assert (code, stdout) == (3, "")
    assert "error: broken off after 1 of 20 pairs: latency of tiny tflite-fp32 on litert crashed with SIGKILL" in stderr
    assert "B against A" not in stderr


@pytest.mark.slow
def test_what_was_measured_before_the_device_died_is_compared(project: Path):
    code, stdout, stderr = compare_while_agents_die(project, "round 6: B: latency: measure", "--json", "--per-op")
    assert code == 3
    found = json.loads(stdout)
    assert found["ratio"]["pairs"] == len(found["a"]["launch_p50_ms"]) == len(found["b"]["launch_p50_ms"]) == 5
    why = "broken off after 5 of 20 pairs: latency of tiny tflite-fp32 on litert crashed with SIGKILL"
    assert found["broken_off"].startswith(why)
    assert found["doubts"][-1].startswith(why)
    assert found["operators"] is None
    assert f"error: {why}" in stderr


def test_it_runs_without_torch(stored: Path):
    program = (
        "import sys; from edgekit.cli import main; sys.argv = ['edgekit', 'compare', 'slow', 'slow']; main()\n"
        "sys.exit(bool({'torch', 'onnx', 'onnxruntime', 'openvino', 'jinja2', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=stored, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
