"""The composite action, by running its own shell steps, and the workflows and hooks that use what it offers."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgekit.base.folders import boards_folder
from edgekit.devices.virtual import build as virtual_build

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
TINY = Path(__file__).parent / "data" / "artifacts" / "tiny"
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


def resolve(text: str, inputs: dict[str, str]) -> str:
    """``${{ inputs.name }}`` as the runner fills it in."""
    for name, value in inputs.items():
        text = text.replace("${{ inputs." + name + " }}", value)
    assert "${{" not in text
    return text


class Outcome:
    """What a step left: its exit code, what it printed, its outputs."""

    def __init__(self, done: subprocess.CompletedProcess[str], output: Path) -> None:
        self.code, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr
        lines = output.read_text().splitlines() if output.exists() else []
        self.outputs = dict(line.split("=", 1) for line in lines)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an artifact, and an ``edgekit`` on the path."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TINY / "tflite-fp32", "artifacts/tiny/tflite-fp32")
    Path("bin").mkdir()
    program("edgekit", f'exec {sys.executable} -m edgekit "$@"')
    return tmp_path


def program(name: str, line: str) -> None:
    """A program in ``bin``."""
    Path("bin", name).write_text(f"#!/bin/sh\n{line}\n")
    Path("bin", name).chmod(0o755)


def run_step(name: str, **given: str) -> Outcome:
    """Run a step's own text in bash as the runner does, with its ``env`` and nothing else of the inputs."""
    step = STEPS[name]
    inputs = {key: str(entry["default"]) for key, entry in ACTION["inputs"].items()}
    inputs |= {key.replace("_", "-"): value for key, value in given.items()}
    output = Path("github-output")
    output.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "PATH": f"{Path.cwd() / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": "summary.md",
        **{key: resolve(value, inputs) for key, value in step["env"].items()},
    }
    script = Path("step.sh")
    script.write_text(step["run"])
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    return Outcome(done, output)


def test_the_step_runs_the_real_gate(project: Path) -> None:
    found = run_step("Gate", baseline=str(TINY / "onnx-fp32"))
    assert found.code == 5, found.stderr
    assert found.outputs == {
        "status": "NOT_COMPARABLE",
        "exit-code": "5",
        "json": "gate_results/gate.json",
        "junit": "gate_results/gate.xml",
        "comment": "gate_results/gate.md",
    }
    (gate,) = json.loads(Path("gate_results/gate.json").read_text())["gates"]
    assert gate["reason"] == "the baseline runs on onnxruntime, the candidate on litert"
    assert "::warning title=edgekit gate%3A NOT_COMPARABLE::" in found.stderr
    assert Path("summary.md").read_text() == Path("gate_results/gate.md").read_text()
    assert "<skipped" in Path("gate_results/gate.xml").read_text()


def test_the_step_passes_on_what_an_upgrade_needs(project: Path) -> None:
    program("edgekit", 'printf "%s\\n" "$@" > said')
    given = {"runtime_a": "onnxruntime==1.22.0", "runtime_b": "onnxruntime==1.23.0", "data": "my photos", "labels": "l"}
    assert run_step("Gate", **given).code == 0
    said = Path("said").read_text().splitlines()
    for option, value in given.items():
        assert said[said.index(f"--{option.replace('_', '-')}") + 1] == value
    assert run_step("Gate").code == 0
    assert not {"--runtime-a", "--runtime-b", "--data", "--labels"} & set(Path("said").read_text().splitlines())


def test_an_upgrade_from_one_version_alone_is_a_mistake(project: Path) -> None:
    found = run_step("Gate", runtime_a="onnxruntime==1.22.0")
    assert (found.code, found.outputs["status"]) == (2, "USAGE")
    assert "--runtime-b" in found.stderr


def test_a_mistake_ends_the_step_with_its_reason(project: Path) -> None:
    found = run_step("Gate", baseline="device_reports")
    assert found.code == 2
    assert found.outputs["status"] == "USAGE"
    assert "error: no baseline of tiny__tflite-fp32__litert-cpu-t1" in found.stderr


@pytest.mark.parametrize(
    ("code", "given", "ends", "status"),
    [
        (0, {}, 0, "PASS"),
        (1, {}, 1, "FAIL"),
        (1, {"inconclusive": "pass", "plumbing": "true"}, 1, "FAIL"),
        (3, {"inconclusive": "pass", "plumbing": "true"}, 3, "BROKEN_OFF"),
        (4, {}, 4, "INCONCLUSIVE"),
        (4, {"inconclusive": "pass"}, 0, "INCONCLUSIVE"),
        (5, {}, 5, "NOT_COMPARABLE"),
        (5, {"plumbing": "true"}, 0, "NOT_COMPARABLE"),
        (137, {"inconclusive": "pass"}, 137, "BROKEN_OFF"),
    ],
)
def test_every_exit_code_has_its_end(project: Path, code: int, given: dict[str, str], ends: int, status: str) -> None:
    program("edgekit", f"exit {code}")
    found = run_step("Gate", **given)
    assert (found.code, found.outputs["status"], found.outputs["exit-code"]) == (ends, status, str(code))


def test_the_inputs_become_options(project: Path) -> None:
    program("edgekit", 'printf "%s\\n" "$@" > said; echo "{}"')
    run_step(
        "Gate", candidates="a\n  b\n", device="rpi4 rpi5", tolerance="0.02", delta="0.05", config="g.toml", threads="4",
        plumbing="true",
    )  # fmt: skip
    said = Path("said").read_text().split("\n")[:-1]
    assert said[0] == "gate"
    assert said[-3:] == ["--", "a", "b"]
    pairs = list(itertools.pairwise(said))
    for pair in [("--device", "rpi4"), ("--device", "rpi5"), ("--tolerance", "0.02"), ("--delta", "0.05"),
                 ("--config", "g.toml"), ("--threads", "4"), ("--baseline", "device_reports")]:  # fmt: skip
        assert pair in pairs
    assert "--plumbing" in said
    run_step("Gate")
    assert "--tolerance" not in Path("said").read_text()


def test_an_input_cannot_become_a_command(project: Path) -> None:
    program("edgekit", 'printf "%s\\n" "$@" > said')
    run_step(
        "Gate", baseline='x"; touch hacked; "', candidates="$(touch hacked) `touch hacked`", device=";touch hacked"
    )
    assert not Path("hacked").exists()
    assert 'x"; touch hacked; "' in Path("said").read_text()


def test_a_candidate_cannot_become_an_option(project: Path) -> None:
    found = run_step("Gate", candidates="--update tiny", baseline=str(TINY / "onnx-fp32"))
    assert (found.code, found.outputs["status"]) == (2, "USAGE")
    assert "--update" in found.stderr
    assert not Path("device_reports").exists()


def test_an_output_is_one_line(project: Path) -> None:
    program("edgekit", "exit 1")
    found = run_step("Gate", results="out\nstatus=PASS")
    assert (found.code, found.outputs) == (2, {})


def test_results_of_the_last_run_are_not_taken_for_these(project: Path) -> None:
    Path("gate_results").mkdir()
    for name in ("gate.json", "gate.xml", "gate.md"):
        Path("gate_results", name).write_text("old")
    program("edgekit", "exit 3")
    run_step("Gate")
    assert Path("gate_results/gate.json").read_text() == ""
    assert not Path("gate_results/gate.xml").exists()


def test_a_word_that_it_does_not_know(project: Path) -> None:
    found = run_step("Gate", inconclusive="maybe")
    assert found.code == 2
    assert "inconclusive must be fail or pass, got 'maybe'" in found.stdout


@pytest.mark.parametrize(("given", "extras"), [("core", ""), ("run,report", "[run,report]")])
def test_the_install_step_installs_the_files_beside_it(given: str, extras: str, project: Path) -> None:
    program("python3", 'printf "%s\\n" "$@" > said')
    assert run_step("Install", install=given).code == 0
    command = ["-m", "pip", "install", "-c", f"{ROOT}/constraints.txt", f"{ROOT}{extras}"]
    assert Path("said").read_text().splitlines() == command


def test_the_install_step_takes_extras_and_nothing_else(project: Path) -> None:
    program("python3", "touch said")
    found = run_step("Install", install="edgekit; id")
    assert found.code == 2
    assert "install must be core, or extras by commas, got 'edgekit; id'" in found.stdout
    assert not Path("said").exists()


# What uses it


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "ci").glob("*.yml")), ids=lambda path: path.name)
def test_the_example_workflows_fit_the_action(path: Path) -> None:
    workflow: dict[Any, Any] = yaml.safe_load(path.read_text())
    assert True in workflow  # YAML's word for "on"
    used = 0
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            if "run" in step:
                assert "${{" not in step["run"]  # values come through the environment
                subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)
            if "edgekit@" in step.get("uses", ""):
                used += 1
                assert step["with"].keys() <= ACTION["inputs"].keys()
    assert used == 1


def test_the_emulated_workflow_brings_what_a_board_is_built_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGEKIT_CACHE")
    (job,) = yaml.safe_load((ROOT / "docs" / "ci" / "emulated.yml").read_text())["jobs"].values()
    said = " ".join(step.get("run", "") for step in job["steps"])
    on_every_system = {"apt", "dpkg", "util-linux"}
    assert set(virtual_build.TOOLS.values()) - on_every_system <= set(said.split())
    # A hosted runner is an Ubuntu, whose apt knows no Debian.
    assert virtual_build.KEYRING in said
    assert f"debian {virtual_build.SUITE} main" in said
    (cached,) = [step["with"]["path"] for step in job["steps"] if "cache" in step.get("uses", "")]
    assert Path(cached).parts[-2:] == boards_folder().parts[-2:]


def test_every_output_comes_from_the_step() -> None:
    text = STEPS["Gate"]["run"]
    for name, entry in ACTION["outputs"].items():
        assert entry["value"] == "${{ steps.gate.outputs." + name + " }}"
        assert f'echo "{name}=' in text
    for entry in ACTION["inputs"].values():
        assert entry["description"]
        assert isinstance(entry["default"], str)


def test_the_hook_refuses_a_stale_report(project: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["id"] == "edgekit-stale-reports"
    environment = {**os.environ, "PATH": f"{project / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def run_hook() -> subprocess.CompletedProcess[str]:
        return subprocess.run(hook["entry"].split(), env=environment, capture_output=True, text=True, check=False)

    from edgekit.bench.session import Limits
    from edgekit.verbs.profile import profile

    profile([], limits=Limits(warmup_min_s=0.01, min_s=0.02, max_s=0.3)).raise_failures()
    assert run_hook().returncode == 0
    (report,) = Path("device_reports/local").glob("*.json")
    text = report.read_text()
    report.write_text(text.replace('"threads": 1', '"threads": 2', 1))
    assert run_hook().returncode == 2  # edited by hand
    report.write_text(text)
    shutil.rmtree("artifacts/tiny/tflite-fp32")
    shutil.copytree(TINY / "onnx-fp32", "artifacts/tiny/onnx-fp32")
    stale = run_hook()
    assert stale.returncode == 1, stale.stderr
    assert "tiny" in stale.stderr


def test_pre_commit_accepts_the_hook() -> None:
    from pre_commit.clientlib import load_manifest

    (hook,) = load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))
    assert hook["language"] == "python"
