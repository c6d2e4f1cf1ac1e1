"""``edgekit models``: the golden text, JSON that reads back, unknown names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.catalog import cards, find_card
from edgekit.types import ModelCard

GOLDEN = Path(__file__).parent.parent / "golden"


def golden(name: str, text: str) -> None:
    """Compare with the committed text; EDGEKIT_REGENERATE=1 rewrites it."""
    path = GOLDEN / name
    if os.environ.get("EDGEKIT_REGENERATE"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("family", ["squeezenet", "mobilenet_v2", "mobilenet_v3"])
def test_list(edgekit, family):
    done = edgekit("models", "list", "--family", family)
    assert (done.returncode, done.stderr) == (0, "")
    golden(f"models_list_{family}.txt", done.stdout)


@pytest.mark.parametrize("model", ["mobilenet_v3_large_1.0", "squeezenet_1.1", "mobilenet_v2_0.25"])
def test_show(edgekit, model):
    done = edgekit("models", "show", model)
    assert (done.returncode, done.stderr) == (0, "")
    golden(f"models_show_{model}.txt", done.stdout)


def test_list_names_every_model(edgekit):
    shown = edgekit("models", "list").stdout
    first = {line.split()[0] for line in shown.splitlines() if line.strip()}
    assert set(cards()) <= first


def test_json_reads_back(edgekit):
    listed = json.loads(edgekit("models", "list", "--json").stdout)
    assert [ModelCard.from_plain(plain) for plain in listed] == list(cards().values())
    shown = json.loads(edgekit("models", "show", "mobilenet_v3", "--json").stdout)
    assert ModelCard.from_plain(shown) == find_card("mobilenet_v3")


@pytest.mark.parametrize(
    ("arguments", "cause", "step"),
    [
        (["show", "mobilnet_v2"], "unknown model 'mobilnet_v2'", "did you mean mobilenet_v2"),
        (["show", "none.toml"], "cannot read none.toml", ""),
        (["list", "--family", "mobilenetv2"], "unknown family 'mobilenetv2'", "mobilenet_v2"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_unknown_name(edgekit, arguments, cause, step, as_json):
    done = edgekit("models", *arguments, *(["--json"] if as_json else []))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {cause}")
    assert step in done.stderr


def test_card_of_the_project(edgekit, project):
    text = (Path(__file__).parent.parent.parent / "models" / "mobilenet_v2_0.25.toml").read_text()
    (project / "models").mkdir()
    (project / "models" / "mobilenet_v2_0.25.toml").write_text(text.replace("params = 1519112", "params = 7"))
    assert "params      7\n" in edgekit("models", "show", "mobilenet_v2_0.25").stdout


def test_reader_that_goes_early(project):
    """``edgekit models list | head -1``: no complaint."""
    program = Path(sys.executable).with_name("edgekit")
    command = ["bash", "-c", f"{program} models list --json | head -1"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[\n", "")
