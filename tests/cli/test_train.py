"""``edgekit train``, ``condense`` and ``models show --layers`` as typed."""

from __future__ import annotations

import importlib.util
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.catalog import cards

Edgekit = Callable[..., subprocess.CompletedProcess[str]]
PROGRAM = [sys.executable, "-c", "from edgekit.cli import main; main()"]
QUIET = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_train_then_condense(edgekit: Edgekit, tiny_condensenet: Path, stripes: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    common = ("--data", stripes, "--out", out, "--epochs", 3, "--batch", 8, "--lr", 0.05)
    done = edgekit("train", tiny_condensenet, *common, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["folder"] == str(out)
    assert len(found["epochs"]) == 3
    assert found == {**json.loads((out / "metrics.json").read_text()), "folder": str(out)}
    epochs = [line.split(":")[0] for line in done.stderr.splitlines() if line.startswith("epoch ")]
    assert epochs == ["epoch 1", "epoch 2", "epoch 3"]
    assert "for the other 2" in done.stderr
    assert "connections: 576 of 1,152 survive, stage 1" in done.stderr
    assert f"next: edgekit export tiny_condensenet --format all --weights {out / 'checkpoint.pt'}" in done.stderr
    assert "\r" not in done.stderr
    again = edgekit("train", tiny_condensenet, *common)
    assert (again.returncode, again.stdout) == (2, "")
    assert "holds a training already" in again.stderr
    assert "--resume" in again.stderr
    made = edgekit(
        *("condense", out / "checkpoint.pt", "-o", tmp_path / "c.pt", "--model", tiny_condensenet),
        *("--half-classifier", "--data", stripes, "--json"),
    )
    assert made.returncode == 0, made.stderr
    plain = json.loads(made.stdout)
    assert plain["file"] == str(tmp_path / "c.pt")
    assert plain["max_difference"] < 1e-12
    assert "proof   float64, random input: max difference" in made.stderr
    assert f"accuracy on stripes: {plain['accuracy_before']:.2f} % before, {plain['accuracy']:.2f} % now" in made.stderr
    refused = edgekit("condense", tmp_path / "c.pt", "-o", tmp_path / "d.pt", "--model", tiny_condensenet)
    assert (refused.returncode, (tmp_path / "d.pt").exists()) == (2, False)
    assert "holds no masks" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "no training data at 'nowhere'"),
        (["--data", "{stripes}", "--recipe", "larg"], "unknown recipe 'larg'"),
        (["--data", "{stripes}", "--lr", "0"], "--lr 0"),
        (["--data", "{stripes}", "--weights", "no.pt"], "no checkpoint at no.pt"),
    ],
)
def test_mistakes(
    edgekit: Edgekit, tiny_condensenet: Path, stripes: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    filled = [a.replace("{stripes}", str(stripes)) for a in arguments]
    done = edgekit("train", tiny_condensenet, *filled, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_terminal_shows_a_bar_and_a_line_an_epoch(tiny_condensenet: Path, stripes: Path, tmp_path: Path) -> None:
    parent, child = pty.openpty()
    command = [
        *PROGRAM,
        "train",
        str(tiny_condensenet),
        "--data",
        str(stripes),
        "--epochs",
        "2",
        "--out",
        str(tmp_path / "o"),
    ]
    environment = {**{k: v for k, v in QUIET.items() if k != "CI"}, "COLUMNS": "160", "TERM": "xterm"}
    process = subprocess.Popen(command, stderr=child, stdout=subprocess.PIPE, env=environment)
    os.close(child)
    shown = b""
    try:
        while chunk := os.read(parent, 4096):
            shown += chunk
    except OSError:  # the terminal closes with the process
        pass
    finally:
        os.close(parent)
    assert process.communicate(timeout=60)[0] == b""
    assert process.returncode == 0
    text = shown.decode()
    assert "epoch 1: loss " in text
    assert "━" in text


def test_layers_as_a_table_and_as_json(edgekit: Edgekit) -> None:
    done = edgekit("models", "show", "squeezenet_1.1", "--layers")
    assert done.returncode == 0, done.stderr
    assert "classifier.1" in done.stdout
    assert "1,235,496" in done.stdout
    assert "memory access" in done.stdout
    plain = json.loads(edgekit("models", "show", "squeezenet_1.1", "--layers", "--json").stdout)
    assert plain["total"]["macs"] == plain["macs"]
    assert plain["layers"][0]["output_shape"] == [64, 111, 111]
    assert set(plain["layers"][0]) == {
        *("name", "kind", "output_shape", "params", "macs", "activations", "memory_access", "weights", "intensity"),
    }


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.cli.shared import torch_needed
    from edgekit.errors import ToolError

    def none(name: str) -> Any:
        return None if name == "torch" else importlib.util.find_spec(name)

    monkeypatch.setattr(torch_needed, "find_spec", none)
    with pytest.raises(ToolError, match="--layers needs PyTorch") as caught:
        torch_needed.torch_needed("--layers")
    assert "[export]" in caught.value.hint


def test_matrix_refuses_unknown_words(edgekit: Edgekit, tmp_path: Path) -> None:
    done = edgekit("matrix", "--family", "squeeznet", "--out", tmp_path / "m.md")
    assert done.returncode == 2
    assert "did you mean squeezenet" in done.stderr
    assert not (tmp_path / "m.md").exists()


def test_the_whole_matrix_is_asked_for_by_name(edgekit: Edgekit, tmp_path: Path) -> None:
    done = edgekit("matrix", "--precision", "all", "--out", tmp_path / "m.md")
    assert done.returncode == 2
    variants = len(cards())
    assert f"{variants * 12} cells ({variants} variants x 3 formats x 4 precisions), about" in done.stderr
    assert "try: --all makes them" in done.stderr
    both = edgekit("matrix", "mobilenet_v3", "--all", "--out", tmp_path / "m.md")
    assert (both.returncode, both.stdout) == (2, "")
    assert not (tmp_path / "m.md").exists()
