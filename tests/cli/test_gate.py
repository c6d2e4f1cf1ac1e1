from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from edgekit.bench.session import Limits
from edgekit.cli.gate import gate_command
from edgekit.errors import UsageError
from edgekit.verbs.gate import update

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
APP = typer.Typer()
APP.command()(gate_command)
QUICK = (
    "[default]\nsentinel = 1e9\nload = 1e9\nwaited = 1e9\nuneven = 1e9\nwarmup_s = 0.01\nmin_s = 0.02\nmax_s = 0.3\n"
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one artifact, pinned."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    Path("gate.toml").write_text(QUICK)
    shutil.copytree(TINY / "onnx-fp32", "artifacts/tiny/onnx-fp32")
    update([], limits=Limits(warmup_min_s=0.01, min_s=0.02, max_s=0.3))
    return tmp_path


def test_the_plan_measures_nothing(project: Path) -> None:
    done = CliRunner().invoke(APP, ["--dry-run"], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "tiny onnx-fp32 onnxruntime t1 on local" in done.stderr
    assert "FAIL above 1.0%, PASS below 3.0%, looks after 8, 14, 20 pairs" in done.stderr
    assert "1 gate, about" in done.stderr
    assert not Path("gate_results").exists()
    as_json = json.loads(CliRunner().invoke(APP, ["--dry-run", "--json", "--tolerance", "0.02"]).stdout)
    (one,) = as_json["plan"]
    assert one["rule"]["tolerance"] == 0.02
    assert one["pinned"]
    assert one["seconds_least"] < one["seconds_most"]


def test_a_run_without_torch_as_ci_sees_it(project: Path) -> None:
    """The whole program, with everything blocked that the core and run installs do not bring."""
    program = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        blocked = {"torch", "onnx", "onnxscript", "litert_torch", "nncf", "litert_quantizer", "jinja2"}
        if name.partition(".")[0] in blocked:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocker())
sys.argv = ["edgekit", "gate", "--json", "--junit", "out/j.xml", "--markdown", "out/m.md"]
from edgekit.cli import main
main()
"""
    environment = {**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary.md"}
    Path("summary.md").write_text("before\n")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert "Traceback" not in done.stderr
    found = json.loads(done.stdout)
    (one,) = found["gates"]
    assert one["status"] in ("PASS", "INCONCLUSIVE"), one["reason"]
    assert done.returncode == found["exit_code"] == one["exit_code"]
    assert len(one["pairs"]) >= 8
    assert isinstance(one["pairs"][0]["log_ratio"], float)
    assert f"title=edgekit gate%3A {one['status']}::" in done.stderr
    assert Path("out/j.xml").read_text().startswith("<?xml")
    assert Path("summary.md").read_text() == "before\n" + Path("out/m.md").read_text()


def test_a_slower_candidate_ends_with_1(project: Path) -> None:
    # The candidate is another network altogether, and a slower one, under the name of the first.
    larger_network(Path("artifacts/tiny/onnx-fp32"))
    done = CliRunner().invoke(APP, [], catch_exceptions=False)
    assert done.exit_code == 1, done.stderr
    assert done.stdout == ""
    assert "slower by more than 1.0%" in done.stderr
    assert "slower: " in done.stderr
    assert "1 gate: 1 FAIL" in done.stderr


def larger_network(folder: Path) -> None:
    """Make the ONNX artifact in ``folder`` compute its first convolution's input fifty times over."""
    import onnx
    from onnx import helper

    from edgekit.base.files import sha256_file

    model = onnx.load(folder / "model.onnx")
    source = model.graph.input[0].name
    for node in model.graph.node:
        node.input[:] = ["late" if name == source else name for name in node.input]
    chain = [source, *[f"step{n}" for n in range(199)], "late"]
    nodes = [helper.make_node("Sin", [a], [b]) for a, b in itertools.pairwise(chain)]
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    onnx.save(model, folder / "model.onnx")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0]["sha256"] = sha256_file(folder / "model.onnx")
    manifest["files"][0]["size_bytes"] = (folder / "model.onnx").stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_update_says_what_changed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(APP, ["--update", "--json"], catch_exceptions=False)
    (one,) = json.loads(done.stdout)["pinned"]
    assert one["replaced"] == one["sha256"]
    assert one["folder"] == "device_reports/local/tiny__onnx-fp32__onnxruntime-cpu-t1.baseline"
    assert done.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--update", "--dry-run"], "contradict each other"),
        (["--url", "https://example.org"], "it goes with --update"),
        (["--update", "--baseline", "artifacts/tiny/onnx-fp32"], "is an artifact"),
        (["--baseline", "elsewhere"], "no baseline of tiny__onnx-fp32__onnxruntime-cpu-t1 for local under elsewhere"),
        (["--config", "none.toml"], "cannot read none.toml"),
        (["nobody"], "unknown model 'nobody'"),
        (["--device", "nowhere"], "unknown device 'nowhere'"),
    ],
)
def test_mistakes_are_raised_for_the_error_boundary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TINY / "onnx-fp32", "artifacts/tiny/onnx-fp32")
    done = CliRunner().invoke(APP, arguments)
    assert isinstance(done.exception, UsageError)
    assert message in str(done.exception)
    assert done.stdout == ""
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["artifacts"]


def test_a_mistake_stands_in_the_files_that_were_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else those of the last run stay there, and CI reads its PASS."""
    monkeypatch.chdir(tmp_path)
    Path("gate.xml").write_text("<testsuites/>")
    done = CliRunner().invoke(APP, ["nobody", "--junit", "gate.xml", "--markdown", "gate.md"])
    assert isinstance(done.exception, UsageError)
    assert "unknown model 'nobody'" in Path("gate.xml").read_text()
    assert "nothing was compared" in Path("gate.md").read_text()
    done = CliRunner().invoke(APP, ["nobody", "--junit", "gate.xml/no.xml", "--markdown", "gate.md"])
    assert isinstance(done.exception, UsageError)
    said = "gate.xml is a file where a folder is to be"  # found before anything is measured, and told in the other page
    assert said in str(done.exception)
    assert said in Path("gate.md").read_text()
