"""Which network a name means whose facts are asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgekit.catalog import find_card
from edgekit.errors import UsageError
from edgekit.verbs.networks.facts import card_of


def test_artifacts_of_a_card_that_is_nowhere_else_carry_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report names the network of a measurement by its id, and advises to lint it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="unknown model 'mine'"):
        card_of("mine")
    folder = tmp_path / "artifacts" / "mine" / "onnx-fp32"
    shutil.copytree(tiny / "onnx-fp32", folder)
    plain = json.loads((folder / "manifest.json").read_text())
    card = find_card("mobilenet_v2").model_copy(update={"id": "mine"})
    plain |= {"model": "mine", "card": json.loads(card.model_dump_json())}
    (folder / "manifest.json").write_text(json.dumps(plain))
    assert card_of("mine").id == "mine"
    plain["card"] = None
    (folder / "manifest.json").write_text(json.dumps(plain))
    with pytest.raises(UsageError, match="unknown model 'mine'"):
        card_of("mine")
