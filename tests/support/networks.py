"""A network that trains in seconds, and images for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

CARD = Path(__file__).parent.parent / "data" / "cards" / "tiny_condensenet.toml"


@pytest.fixture
def tiny_condensenet(tmp_path: Path) -> Path:
    """The card of a CondenseNet that trains in seconds: 8 x 8 images, three classes, G = C = 2."""
    return Path(shutil.copy(CARD, tmp_path))


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    """An ``.npz`` of 120 + 30 noisy grey 8 x 8 images: horizontal, vertical or no stripes."""
    rng = np.random.default_rng(0)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % 3
        bright = np.where(np.arange(8) % 2, 200, 40)
        patterns = np.stack([np.tile(bright[:, None], (1, 8)), np.tile(bright, (8, 1)), np.full((8, 8), 120)])
        noisy = patterns[labels] + rng.normal(0, 25, (count, 8, 8))
        return noisy.clip(0, 255).astype(np.uint8), labels

    images, labels = drawn(120)
    test_images, test_labels = drawn(30)
    path = tmp_path / "stripes.npz"
    np.savez(path, images=images, labels=labels, test_images=test_images, test_labels=test_labels)
    return path
