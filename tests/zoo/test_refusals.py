"""A checkpoint that is refused: what was refused, in words that do not advise to switch the protection off."""

from __future__ import annotations

import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.errors import UsageError
from edgekit.zoo.checkpoints import read_state


class Call:
    """Pickles to a call."""

    def __reduce__(self) -> tuple[Callable[..., int], tuple[str]]:
        return os.system, ("true",)


def cut(path: Path) -> None:
    torch.save({"a": torch.zeros(9)}, path)
    path.write_bytes(path.read_bytes()[:-300])


def in_a_tar(path: Path) -> None:
    (path.parent / "inside.pth").write_bytes(bytes(9))
    with tarfile.open(path, "w") as archive:
        archive.add(path.parent / "inside.pth", "inside.pth")


WRITERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "code": (
        lambda path: torch.save([Call()], path),
        "is refused: it calls for posix.system, which no checkpoint needs",
    ),
    "old": (
        lambda path: torch.save([Call()], path, _use_new_zipfile_serialization=False),
        "is refused: it calls for posix.system, which no checkpoint needs",
    ),
    "pickle": (lambda path: path.write_bytes(pickle.dumps([Call()])), "is refused: it is a pickle that can do more"),
    "script": (
        lambda path: torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path),  # type: ignore[no-untyped-call]
        "is refused: it is a TorchScript archive",
    ),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read as a checkpoint: it is empty"),
    "text": (lambda path: path.write_text("hello, here are no weights"), "begins with b'hello, here are "),
    "pointer": (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"), "a pointer of Git LFS"),
    "keras": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)), "a damaged file of Keras"),
    "arrays": (lambda path: np.savez(path.open("wb"), w=np.zeros(3)), "none of its arrays has the name of a weight: w"),
    "late protocol": (
        lambda path: torch.save({"a.weight": torch.zeros(3)}, path, pickle_protocol=4),
        "a later protocol than torch.save's own 2",
    ),
    "page": (lambda path: path.write_text("<!DOCTYPE html><html>"), "begins with b'<!DOCTYPE html><'"),
    "cut": (cut, "cannot be read as a checkpoint: RuntimeError: PytorchStreamReader failed reading zip archive"),
    "tar": (in_a_tar, "it is a tar archive; unpack it"),
    "program": (
        lambda path: torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),)), path.open("wb")),
        "is a program of torch.export, whose weights have no network's names",
    ),
    "cut pickle": (lambda path: path.write_bytes(b"\x80\x02"), "cannot be read as a checkpoint: "),
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", WRITERS)
def test_it_says_what_is_refused_and_the_way_out(kind: str, tmp_path: Path) -> None:
    write, said = WRITERS[kind]
    path = tmp_path / "weights.pth"
    write(path)
    with pytest.raises(UsageError) as caught:
        read_state(path)
    message = str(caught.value)
    assert message.startswith(f"{path} ")
    assert said in message
    for word in ("weights_only", "\x1b", "trust", "\n", "safe_globals"):
        assert word not in message + caught.value.hint
    if kind in ("pointer", "keras", "arrays", "late protocol", "tar"):
        assert ".safetensors" in caught.value.hint
    elif "cut" not in kind and kind != "empty":
        assert "torch.save(model.state_dict(), FILE)" in caught.value.hint
        assert ".safetensors" in caught.value.hint
    else:
        assert "truncated" in caught.value.hint


ODD: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], str]] = {
    "complex": (lambda x: x.to(torch.complex64), "a complex tensor (complex64)"),
    "sparse": (lambda x: x.to_sparse(), "a sparse tensor (sparse coo)"),
    "sparse rows": (lambda x: x.to_sparse_csr(), "a sparse tensor (sparse csr)"),
    "meta": (lambda x: x.to("meta"), "a meta tensor"),
    "nested": (lambda x: torch.nested.nested_tensor([x[0], x[1, :1]]), "a nested tensor"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ODD)
def test_tensors_that_no_network_takes_are_refused_by_name(kind: str, tmp_path: Path) -> None:
    make, said = ODD[kind]
    path = tmp_path / "weights.pth"
    torch.save({"conv.weight": make(torch.ones(2, 2)), "conv.bias": torch.zeros(2)}, path)
    with pytest.raises(UsageError) as caught:
        read_state(path)
    assert f"'conv.weight' is {said}" in str(caught.value)
    assert caught.value.hint.startswith("save ")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"layout": "x" * 1_000_000}, "(1000002 characters), which edgekit does not know"),
        ({"layout": ["timm"]}, "from the layout ['timm'], which edgekit does not know"),
        ({"architecture": [1] * 5}, "its own architecture [1, 1, 1, 1, 1], which is not a table"),
    ],
)
def test_what_a_checkpoint_says_of_itself_is_checked(header: dict[str, object], said: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": {"conv.weight": torch.ones(2, 2)}, "edgekit": header}, path)
    with pytest.raises(UsageError) as caught:
        read_state(path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_an_archive_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.base.fetched.archives.FREE_BYTES", 1 << 20)
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(4 << 20))
    with pytest.raises(UsageError, match=r"is refused: its 0\.0 MB would unpack to"):
        read_state(path)


def test_the_index_of_several_files_is_named(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text('{"metadata": {"total_size": 1}, "weight_map": {}}')
    with pytest.raises(UsageError, match="is the index of weights in several files, and edgekit reads one") as caught:
        read_state(index)
    assert "max_shard_size" in caught.value.hint
