"""Checkpoints that are damaged, of another network, or would run code."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tests.cli.exporting import files, refused

# Checkpoints


class Payload:
    """Pickles to a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def checkpoint(kind: str, folder: Path) -> Path:
    """A checkpoint for ``small`` that is wrong in one way."""
    import torch

    from edgekit.catalog import find_card
    from edgekit.zoo.registry import create

    path = folder / f"{kind.replace(' ', '_')}.pth"
    state = create(find_card(str(folder / "models" / "small.toml"))).state_dict()
    if kind == "wrong shape":
        state["classifier.1.weight"] = state["classifier.1.weight"][:10]
    if kind == "missing key":
        del state["classifier.1.bias"]
    if kind == "not finite":
        state["classifier.1.bias"][3] = float("nan")
    if kind == "overflow":
        state["features.0.weight"].fill_(1e38)
    if kind == "code":
        state["payload"] = Payload(folder / "code-has-run")
    if kind == "plain pickle":
        path.write_bytes(pickle.dumps({"payload": Payload(folder / "code-has-run")}))
        return path
    if kind == "safetensors":
        path = path.with_suffix(".safetensors")
        path.write_bytes(b'\x10\0\0\0\0\0\0\0{"x": ')
        return path
    torch.save(state, path)
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-5000])
    if kind == "empty":
        path.write_bytes(b"")
    if kind == "text":
        path.write_text("these are no weights")
    return path


@pytest.mark.parametrize(
    ("kind", "code", "cause"),
    [
        ("truncated", 2, "cannot be read as a checkpoint"),
        ("empty", 2, "cannot be read as a checkpoint: it is empty"),
        ("text", 2, "begins with b'these are no wei'"),
        ("safetensors", 2, "is not a whole safetensors file"),
        ("wrong shape", 2, "does not fit this network"),
        ("missing key", 2, "does not fit this network"),
        ("code", 2, "is refused: it calls a function that it has put together itself"),
        ("plain pickle", 2, "is refused: it is a pickle that can do more than hold tensors"),
        ("not finite", 2, "parameter classifier.1.bias holds 1 of 20 values that are not finite"),
        ("overflow", 2, "the output of layer features.0 (Conv2d) is not finite for parity image 1 of 16"),
    ],
)
def test_wrong_checkpoint(edgekit, project, card, kind, code, cause):
    path = checkpoint(kind, project)
    before = files(project)
    done = edgekit("export", "small", "-f", "all", "-w", path, "--json")
    refused(done, code, cause, "")
    assert files(project) == before
    assert not (project / "code-has-run").exists()


def test_payload_would_have_run(tmp_path):
    """The pickle of the test above does what it threatens, where it is let."""
    pickle.loads(pickle.dumps(Payload(tmp_path / "code-has-run")))
    assert (tmp_path / "code-has-run").exists()
