"""Files of PyTorch that hold a whole network."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from edgekit.artifacts.own.program_file import of_file
from edgekit.errors import UsageError


class Scaled(nn.Module):
    """Two inputs, of which one is given by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor, *, scale: torch.Tensor) -> torch.Tensor:
        """Scores."""
        return self.head(x) * scale


def test_a_traced_program_brings_its_inputs(tmp_path: Path) -> None:
    network, x, scale = Scaled().eval(), torch.rand(1, 4), torch.full((1, 2), 3.0)
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(network, (x,), {"scale": scale}, strict=False), path)
    made, examples = of_file(path, None)
    assert examples is not None
    assert list(examples) == ["x", "scale"]
    assert torch.equal(made(*examples.values()), network(x, scale=scale))


def test_torchscript_has_its_code_with_it(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(4, 2), nn.Dropout())
    torch.jit.script(network.train()).save(tmp_path / "net.pt")
    made, examples = of_file(tmp_path / "net.pt", None)
    assert examples is None
    x = torch.rand(3, 4)
    assert torch.equal(made(x), network.eval()(x))


class Payload:
    """What unpickling it would do."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("place", ["sample_inputs/model.pt", "constants/model.pt"])
def test_no_pickle_in_a_program_runs_code(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    path, evil, mark = tmp_path / "net.pt2", tmp_path / "evil.pt2", tmp_path / "ran"
    torch.export.save(torch.export.export(nn.Linear(4, 2), (torch.rand(1, 4),)), path)
    held = io.BytesIO()
    torch.save(Payload(mark), held)
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(evil, "w") as made:
        root = given.namelist()[0].partition("/")[0]
        for name in given.namelist():
            if name != f"{root}/data/{place}":
                made.writestr(name, given.read(name))
        made.writestr(f"{root}/data/{place}", held.getvalue())
    with pytest.raises(UsageError, match=r"evil\.pt2 is no program"):
        of_file(evil, None)
    assert not mark.exists()
    assert os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] == "1"
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_what_holds_no_network(tmp_path: Path) -> None:
    for name in ("best.pt", "best.pth", "best.pt2"):
        torch.save(nn.Linear(4, 2).state_dict(), tmp_path / name)
        with pytest.raises(UsageError, match=f"{name} is no ") as caught:
            of_file(tmp_path / name, None)
        assert "net.py" in caught.value.hint
    with pytest.raises(UsageError, match="has weights of its own"):
        of_file(tmp_path / "best.pt", tmp_path / "best.pth")
