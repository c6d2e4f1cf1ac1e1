"""``edgekit export --all`` as a process: the table, the cache, resuming, interrupting."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.artifacts.tasks import Outcome
from edgekit.base.progress import Step, Warned
from edgekit.catalog import MODELS, builtin_folder, cards, default_cards
from edgekit.cli.shared.export_run import telling
from edgekit.cli.show.export_table import outcome_table, summary_line
from edgekit.errors import ToolError
from edgekit.forms.profiles import choose_matrix

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "tflite-fp32"
PROGRAM = Path(sys.executable).with_name("edgekit")


@pytest.fixture
def models(project: Path) -> list[str]:
    """Two small networks in the project's own models: SqueezeNet at 64 pixels, and one of a family that is unknown."""
    text = (builtin_folder(MODELS) / "squeezenet_1.1.toml").read_text().split("[[weights]]")[0].replace("224", "64")
    text = re.sub("^aliases = .*$", "", text.replace("resize = 256", "resize = 72"), flags=re.MULTILINE)
    (project / "models").mkdir()
    for name, family in (("good", "squeezenet"), ("bad", "squeezenot")):
        changed = text.replace('id = "squeezenet_1.1"', f'id = "{name}"').replace('"squeezenet"', f'"{family}"')
        (project / "models" / f"{name}.toml").write_text(changed)
    return ["bad", "good"]


def test_defaults_are_one_of_each_family():
    families = [card.family for card in default_cards()]
    assert families == sorted({card.family for card in cards().values()})


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, "onnx-fp32 onnx-int8 tflite-fp32 tflite-int8 openvino-fp32 openvino-int8"),
        ({"format_": "tflite"}, "tflite-fp32 tflite-int8"),
        ({"int8": True}, "onnx-int8 tflite-int8 openvino-int8"),
        ({"format_": "onnx", "fp16": True}, "onnx-fp16"),
        ({"format_": "onnx", "io": "uint8"}, "onnx-fp32 onnx-int8-io-uint8"),
        ({"format_": "onnx", "bake_preprocess": True}, "onnx-fp32-baked onnx-int8-baked"),
        ({"profiles": ["tflite-int8"]}, "tflite-int8"),
    ],
)
def test_what_is_left_open_means_all(asked, names):
    assert [profile.name for profile in choose_matrix(asked.pop("format_", None), **asked)] == names.split()


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ([], "no model given"),
        (["--all", "--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"], "--jobs and --scheduler contradict each other"),
        (["--all", "--format", "tflit"], "unknown format 'tflit'"),
        (["--all", "--int8", "--fp16"], "--int8 and --fp16 contradict each other"),
    ],
)
def test_nonsense_is_refused(edgekit, arguments, cause):
    done = edgekit("export", *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith(f"error: {cause}")


def test_table_of_outcomes():
    artifact = read_manifest(TINY).artifact
    outcomes = [
        Outcome("tiny", "tflite-fp32", "converted", 2.5, TINY, artifact, cpu_seconds=4.25),
        Outcome("tiny", "tflite-int8", "converted", 0.04, TINY, artifact, cached=True),
        Outcome("other", "onnx-fp32", "failed to convert", 1.0, error=ToolError("op X\nis missing", "leave it")),
    ]
    lines = outcome_table(outcomes, 12.0)
    assert lines[0].split() == ["model", "profile", "result", "s", "CPU", "s", "MB", "SQNR", "dB"]
    assert lines[1].split()[:5] == ["tiny", "tflite-fp32", "converted", "2.5", "4.2"]
    assert lines[2].split()[:6] == ["tiny", "tflite-int8", "from", "cache", "0.0", "-"]
    assert lines[3].split()[-3:] == ["0.0", "-", "-"]
    assert len({len(line) for line in lines[:4]}) == 1
    assert lines[4:8] == ["", "failed to convert: other onnx-fp32", "  op X", "  is missing"]
    assert lines[8] == "  try: leave it"
    assert lines[-1] == "1 converted, 1 from cache, 1 failed to convert; 12.0 s, 4.2 CPU s in child processes"
    assert summary_line(outcomes[0]).startswith("converted          tiny tflite-fp32: 2.5 s, 4.2 CPU s, ")


def test_warnings_and_ended_exports_are_shown_off_a_terminal(capsys):
    with telling(3, live=True) as (progress, done):
        progress(Step("converting", ("x",)))
        progress(Warned("cache entry /a/b is damaged and is made again: seal"))
        done(Outcome("tiny", "tflite-fp32", "converted", 2.5))
    said = capsys.readouterr()
    assert said.out == ""
    first, second = said.err.splitlines()
    assert first == "cache entry /a/b is damaged and is made again: seal"
    assert "1/3 tiny tflite-fp32: converted, 2.5 s; about " in second


@pytest.mark.slow
def test_all_of_two_models_twice(edgekit, models, project, own_cache):
    """One model fails and stops nothing; the second run copies; a damaged entry is made again; one can do without."""
    options = ["--all", "--format", "tflite", "--jobs", "2", "--json"]
    first = edgekit("export", *models, *options)
    assert first.returncode == 2
    found = [(o["model"], o["profile"], o["status"], o["from_cache"]) for o in json.loads(first.stdout)]
    assert found == [
        ("bad", "tflite-fp32", "failed to convert", False),
        ("bad", "tflite-int8", "failed to convert", False),
        ("good", "tflite-fp32", "converted", False),
        ("good", "tflite-int8", "converted", False),
    ]
    assert "2 failed to convert, 2 converted; " in first.stderr
    assert "did you mean squeezenet?" in first.stderr
    assert f"cache: {own_cache}/exports, 2 artifacts, " in first.stderr
    content = {p: p.read_bytes() for p in (project / "artifacts").rglob("*") if p.is_file()}
    damaged = next(own_cache.rglob("model.tflite"))
    damaged.write_bytes(b"short")
    start = time.monotonic()
    second = edgekit("export", "good", *options[:3], "--out", "again")
    assert second.returncode == 0, second.stderr
    assert "is damaged and is made again: " in second.stderr
    assert "1 from cache, 1 converted; " in second.stderr or "1 converted, 1 from cache; " in second.stderr
    third = edgekit("export", "good", *options[:3], "--out", "artifacts")
    assert "2 from cache; " in third.stderr
    assert time.monotonic() - start < 120
    assert {p.relative_to(project / "artifacts") for p in content} == {
        p.relative_to(project / "again") for p in (project / "again").rglob("*") if p.is_file()
    }
    plain = edgekit("export", "good", "--format", "tflite")
    assert "converted          good tflite-fp32 (from cache, " in plain.stderr
    without = edgekit("export", "good", "--format", "tflite", "--no-cache")
    assert "from cache" not in without.stderr


def sealed(cache: Path) -> list[Path]:
    """The entries of a cache; what is sealed in a staging folder is none yet."""
    return [path.parent for path in cache.rglob("seal") if not path.parent.name.startswith(".staging-")]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_run_is_resumed(models, project, own_cache, how):
    """What was finished is taken from the cache, no half-written folder stays or comes into the way."""
    good = project / "models" / "good.toml"
    good.with_name("twin.toml").write_text(good.read_text().replace('id = "good"', 'id = "twin"'))
    command = [str(PROGRAM), "export", "good", "twin", "--all", "--format", "tflite", "--jobs", "2", "--json"]
    env = {**os.environ, "COLUMNS": "120"}
    started = subprocess.Popen(
        command, cwd=project, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 200
    while not sealed(own_cache):
        assert time.monotonic() < deadline
        assert started.poll() is None
        time.sleep(0.05)
    started.send_signal(how)
    _, said = started.communicate(timeout=60)
    if how is signal.SIGINT:
        assert started.returncode == 130
        assert said.splitlines()[-1] == "stopped; nothing half-written was left"
        assert not list((project / "artifacts").rglob(".staging-*"))
    kept = len(sealed(own_cache))
    assert kept < 4
    again = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=400)
    assert again.returncode == 0, again.stderr
    outcomes = json.loads(again.stdout)
    assert sum(o["from_cache"] for o in outcomes) >= kept
    assert not list((project / "artifacts").rglob(".staging-*"))
