"""Weights that a hub's name stands for, from the caches of the hubs' own programs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgekit.base.fetched.hubs import HubId, hub_id
from edgekit.catalog import find_card
from edgekit.errors import UsageError
from edgekit.types import Weights
from edgekit.zoo.weights import resolve_weights

CARD = find_card("mobilenet_v3_large_1.0")


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches."""
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def snapshot(folder: Path, name: str, file: str = "model.safetensors") -> Path:
    """A repository as huggingface_hub keeps it."""
    path = folder / "hf" / "hub" / f"models--timm--{name}" / "snapshots" / "0123abcd" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    return path


def test_names() -> None:
    full = HubId("timm", "mobilenetv3_large_100", "ra_in1k")
    assert hub_id("timm/mobilenetv3_large_100.ra_in1k") == hub_id("hf-hub:timm/mobilenetv3_large_100.ra_in1k") == full
    assert str(full) == "timm/mobilenetv3_large_100.ra_in1k"
    assert hub_id("torchvision/mobilenet_v2") == HubId("torchvision", "mobilenet_v2")
    for other in ("mobilenet_v3", "timm/../x", "timm/a/b", "somebody/mobilenet_v2", "timm/a.b.c", "hf-hub:timm"):
        assert hub_id(other) is None
    assert find_card("timm/mobilenetv3_large_100.ra_in1k") == CARD


def test_timm(caches: Path) -> None:
    wanted = snapshot(caches, "mobilenetv3_large_100.ra_in1k")
    snapshot(caches, "mobilenetv3_large_100.miil_in21k", "pytorch_model.bin")
    assert resolve_weights(CARD, "timm/mobilenetv3_large_100.ra_in1k") == wanted
    # The first of the card's tags where the name has none.
    assert resolve_weights(CARD, "hf-hub:timm/mobilenetv3_large_100") == wanted
    with pytest.raises(UsageError, match=r"timm/tf_mobilenetv3_large_100 is another network|not on this machine"):
        resolve_weights(CARD, "timm/tf_mobilenetv3_large_100")


def test_torchvision(caches: Path) -> None:
    content = b"weights of torchvision"
    digest = "2a7fb2b8"
    entry = Weights(name="torchvision IMAGENET1K_V1", url=f"https://x.org/net-{digest}.pth", sha256=digest)
    card = CARD.model_copy(update={"weights": (entry,)})
    kept = caches / "torch" / "hub" / "checkpoints" / f"net-{digest}.pth"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    with pytest.raises(UsageError, match="not on this machine"):  # the name tells a digest that the content has not
        resolve_weights(card, "torchvision/mobilenet_v3_large")
    real = entry.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()[:8]})
    card = CARD.model_copy(update={"weights": (real,)})
    assert resolve_weights(card, "torchvision/mobilenet_v3_large.IMAGENET1K_V1") == kept
    with pytest.raises(UsageError, match="torchvision has no weights IMAGENET1K_V9"):
        resolve_weights(card, "torchvision/mobilenet_v3_large.IMAGENET1K_V9")


def test_another_network(caches: Path) -> None:
    with pytest.raises(UsageError, match="is another network than mobilenet_v3_large"):
        resolve_weights(CARD, "timm/mobilenetv2_100.ra_in1k")
