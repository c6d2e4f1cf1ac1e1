"""Images for calibration and parity from whole data sets: training images for the one, test images for the other."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.artifacts.image_sources import digest_of, load
from edgekit.errors import UsageError
from edgekit.types import Preprocessing
from edgekit.verbs.evaluate import data_set_images
from edgekit.verify.evaluation_data import load_images

PRE = Preprocessing(resize=28, crop=28, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def idx(array: np.ndarray) -> bytes:
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def fashion(tmp_path: Path) -> str:
    """Training images of brightness 10, test images of 20."""
    for prefix, count, level in (("train", 300, 10), ("t10k", 30, 20)):
        images, labels = np.full((count, 28, 28), level, np.uint8), (np.arange(count) % 10).astype(np.uint8)
        (tmp_path / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    return f"fashion-mnist:{tmp_path}"


def test_fashion_mnist(fashion: str) -> None:
    pixels, images = load(fashion, PRE, "train")
    assert (pixels.shape, int(pixels.max())) == ((256, 28, 28, 3), 10)
    assert (images.kind, images.source) == ("dataset", fashion)
    assert images.notes == ("the training images of fashion-mnist", "256 of 300 images, evenly spaced")
    tested, _ = load(fashion, PRE, "test")
    assert (tested.shape, int(tested.max())) == ((30, 28, 28, 3), 20)
    assert digest_of(fashion, "train") != digest_of(fashion, "test")
    found = data_set_images(fashion, None)
    assert (len(found), found.class_names[0], found.labels.tolist()[:3]) == (30, "T-shirt/top", [0, 1, 2])
    with pytest.raises(UsageError, match="has its labels itself"):
        data_set_images(fashion, "labels.csv")


def test_an_npz_with_test_images(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    train, test = np.full((4, 28, 28), 10, np.uint8), np.full((2, 14, 14), 20, np.uint8)
    np.savez(path, images=train, labels=np.arange(4), test_images=test, test_labels=np.array([1, 0]))
    assert int(load(str(path), PRE, "train")[0].max()) == 10
    pixels, images = load(str(path), PRE, "test")
    assert (pixels.shape, int(pixels.max())) == ((2, 28, 28, 3), 20)
    assert images.notes == (f"the test images of {path}", "images of 14 x 14 are resized to the network's 28 x 28")
    found = load_images(str(path), None)
    assert (len(found), found.labels.tolist()) == (2, [1, 0])
    assert found.notes == (f"{path} has training and test images: these are the test images",)
    assert digest_of(str(path), "train") != digest_of(str(path), "test")


def test_a_folder_with_train_and_val(tmp_path: Path) -> None:
    for part, level in (("train", 10), ("val", 20)):
        (tmp_path / part / "cat").mkdir(parents=True)
        Image.new("RGB", (30, 30), (level, level, level)).save(tmp_path / part / "cat" / "0.png")
    for part, level, name in (("train", 10, "train"), ("test", 20, "val")):
        pixels, images = load(str(tmp_path), PRE, part)
        assert (len(pixels), int(pixels.max())) == (1, level)
        assert images.notes == (f"{tmp_path} has training and test images: these are {tmp_path / name}",)
