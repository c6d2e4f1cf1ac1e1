"""Plain values of pickles, read without running them."""

from __future__ import annotations

import argparse
import contextlib
import pickle
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgekit.zoo.pickle_bounds import Opaque
from edgekit.zoo.pickled import DAMAGED, checkpoint_values, plain_values

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.tuples(inner, inner, inner, inner)
        | st.dictionaries(st.text(), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(PLAIN, st.integers(2, pickle.HIGHEST_PROTOCOL))
def test_plain_values_come_back(value: Any, protocol: int) -> None:
    assert plain_values(BytesIO(pickle.dumps(value, protocol))) == value


@given(st.binary(max_size=200))
def test_anything_else_is_refused_or_read(content: bytes) -> None:
    with contextlib.suppress(DAMAGED):
        plain_values(BytesIO(b"\x80\x04" + content + b"."))


@pytest.mark.parametrize("legacy", [False, True])
def test_checkpoints(tmp_path: Path, legacy: bool) -> None:
    path = tmp_path / "a.pth"
    content = {
        "model": OrderedDict(weight=torch.zeros(2, 3)),
        "args": argparse.Namespace(size=(1, 2), names=["a", "b"], rate=0.5),
        "epoch": 3,
    }
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    found = checkpoint_values(path)
    assert found["args"] == Opaque({"size": (1, 2), "names": ["a", "b"], "rate": 0.5})
    assert found["model"] == Opaque({"weight": Opaque()})
    assert found["epoch"] == 3


class Attack:
    """What a hostile file holds."""

    def __reduce__(self) -> Any:
        """Run code when it is loaded."""
        return (print, ("this must not run",))


def test_no_code_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plain_values(BytesIO(pickle.dumps({"a": Attack(), "b": 1}))) == {"a": Opaque(), "b": 1}
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"GIF89a", b"\x80\x02]q\x00.", b"\x80\x02]]]s.", b"\x80\x04((((("]
)
def test_other_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    assert checkpoint_values(path) is None
