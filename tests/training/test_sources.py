"""Sources of training data: what they give, and what they refuse."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit.catalog import find_card
from edgekit.errors import ToolError, UsageError
from edgekit.training import fashion_mnist as source
from edgekit.training.datasets import ArrayImages, Dataset, Split
from edgekit.training.sources import load_data
from edgekit.types import Preprocessing

PRE = Preprocessing(resize=8, crop=8, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
EVERY = np.arange(2)


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    return struct.pack(">BBBB", 0, 0, kind, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder: Path, **changes: bytes) -> Path:
    rng = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    for prefix, count in (("train", 20), ("t10k", 10)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    for name, content in changes.items():
        (folder / f"{name.replace('_', '-')}-ubyte.gz").write_bytes(content)
    return folder


def test_fashion_mnist_of_a_folder(tmp_path: Path) -> None:
    data = load_data(f"fashion-mnist:{write_idx(tmp_path)}", PRE)
    assert (data.name, len(data.classes), len(data.train.labels), len(data.test.labels)) == (
        "fashion-mnist",
        10,
        20,
        10,
    )
    taken = data.train.images.take(EVERY)
    assert (taken.shape, taken.dtype) == ((2, 28, 28, 1), np.uint8)


def test_fashion_mnist_of_debian() -> None:
    if not source.FOLDER.is_dir():
        pytest.skip("needs the Debian package dataset-fashion-mnist")
    data = load_data("fashion-mnist", PRE)
    assert (len(data.train.labels), len(data.test.labels)) == (60000, 10000)
    assert (np.bincount(data.train.labels) == 6000).all()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(source, "FOLDER", tmp_path / "no")
    with pytest.raises(ToolError, match="not installed") as caught:
        load_data("fashion-mnist", PRE)
    assert "apt-get install dataset-fashion-mnist" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_images_idx3": b"no gzip"}, "cannot be read as gzip"),
        ({"train_images_idx3": gzip.compress(b"PK..")}, "not an IDX file of bytes"),
        ({"train_images_idx3": gzip.compress(idx(np.zeros((2, 4), np.float32), 13))}, "not an IDX file of bytes"),
        ({"train_images_idx3": gzip.compress(idx(np.zeros((20, 28, 28), np.uint8))[:-5])}, "its header says"),
        ({"train_images_idx3": gzip.compress(idx(np.zeros(20, np.uint8)))}, "array of 1 dimensions"),
        ({"train_images_idx3": gzip.compress(idx(np.zeros((19, 28, 28), np.uint8)))}, "19 training images have 20"),
        ({"t10k_labels_idx1": gzip.compress(idx(np.full(10, 10, np.uint8)))}, "test label 10 is out of range for 10"),
        ({"train_labels_idx1": gzip.compress(idx(np.full(20, 3, np.uint8)))}, r"of one class \(Dress\)"),
    ],
)
def test_broken_idx_files(tmp_path: Path, changes: dict[str, bytes], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_data(f"fashion-mnist:{write_idx(tmp_path, **changes)}", PRE)


def test_a_missing_idx_file(tmp_path: Path) -> None:
    (write_idx(tmp_path) / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UsageError, match=r"no file .*t10k-labels"):
        load_data(f"fashion-mnist:{tmp_path}", PRE)


def npz(path: Path, **arrays: Any) -> Path:
    made = {"images": np.zeros((40, 8, 8, 3), np.uint8), "labels": np.arange(40) % 2, **arrays}
    np.savez(path, **{name: array for name, array in made.items() if array is not None})
    return path


def test_npz_holds_out_a_tenth_of_every_class(tmp_path: Path) -> None:
    images = np.arange(40, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)
    data = load_data(str(npz(tmp_path / "a.npz", images=images)), PRE)
    assert (len(data.train.labels), len(data.test.labels)) == (36, 4)
    assert np.bincount(data.test.labels).tolist() == [2, 2]
    seen = {int(v) for s in (data.train, data.test) for v in s.images.take(np.arange(len(s.labels)))[:, 0, 0, 0]}
    assert seen == set(range(40))
    assert "no test_images" in data.note


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": None}, "no array named labels; it has images"),
        ({"images": np.zeros((40, 8, 8, 3), np.float32)}, r"images is float32 \[40, 8, 8, 3\]"),
        ({"images": np.zeros((40, 3, 8, 8), np.uint8)}, r"images is uint8 \[40, 3, 8, 8\]"),
        ({"images": np.zeros((40, 64), np.uint8)}, r"images is uint8 \[40, 64\]"),
        ({"images": np.zeros((39, 8, 8), np.uint8)}, "39 training images have 40 labels"),
        ({"labels": np.zeros((40, 2), int)}, r"labels is int64 \[40, 2\]"),
        ({"labels": np.linspace(0, 1, 40)}, "labels is float64"),
        ({"labels": np.zeros(40, int)}, "of one class"),
        ({"labels": np.arange(40) - 1}, "label -1 is out of range"),
        ({"labels": np.array([1] + [0] * 39)}, "class 1 has one image"),
        ({"images": np.zeros((0, 8, 8), np.uint8), "labels": np.zeros(0, int)}, "no training images"),
        ({"test_images": np.zeros((2, 8, 8), np.uint8)}, "no array named test_labels"),
        ({"test_images": np.zeros((1, 8, 8), np.uint8), "test_labels": np.array([7])}, "test label 7 is out of range"),
    ],
)
def test_unusable_npz(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_data(str(npz(tmp_path / "a.npz", **arrays)), PRE)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"text"])
def test_files_that_are_no_npz(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot be read as \.npz"):
        load_data(str(path), PRE)


def test_a_renamed_npy_is_no_npz(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(UsageError, match=r"cannot be read as \.npz"):
        load_data(str(tmp_path / "a.npz"), PRE)


def picture(path: Path, value: int, size: tuple[int, int] = (20, 12)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 0, 0)).save(path)


def test_a_folder_of_classes(tmp_path: Path) -> None:
    for index in range(12):
        picture(tmp_path / "cats" / f"{index:02}.png", 10 + index)
        picture(tmp_path / "dogs" / "deep" / f"{index:02}.png", 100 + index)
    data = load_data(str(tmp_path), PRE)
    assert data.classes == ("cats", "dogs")
    assert (len(data.train.labels), len(data.test.labels)) == (22, 2)
    assert data.train.images.take(EVERY).shape == (2, 8, 8, 3)
    assert data.test.images.take(EVERY)[:, 0, 0, 0].tolist() == [19, 109]


def test_a_folder_with_its_own_test_images(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("val", 1)):
        for name in ("a", "b"):
            for index in range(count):
                picture(tmp_path / part / name / f"{index}.png", index)
    data = load_data(str(tmp_path), PRE)
    assert (data.train.labels.tolist(), data.test.labels.tolist(), data.note) == ([0, 0, 0, 1, 1, 1], [0, 1], "")
    picture(tmp_path / "val" / "c" / "0.png", 0)
    with pytest.raises(UsageError, match=r"val has classes that .*train lacks: c"):
        load_data(str(tmp_path), PRE)


@pytest.mark.parametrize(("side", "said"), [(4, True), (8, False), (12, False)])
def test_images_that_are_enlarged_are_said(tmp_path: Path, side: int, said: bool) -> None:
    """CIFAR-10's 32 pixels under a network for 224 take 49 times the work."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("L", (side, side), 40 * number).save(tmp_path / name / f"{number}.png")
    note = load_data(str(tmp_path), PRE).note
    assert ("images of 4 x 4 are enlarged to the network's 8 x 8" in note) is said


def test_unusable_folders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no folders"):
        load_data(str(tmp_path), PRE)
    picture(tmp_path / "a" / "0.png", 0)
    picture(tmp_path / "a" / "1.png", 0)
    with pytest.raises(UsageError, match=r"of one class \(a\)"):
        load_data(str(tmp_path), PRE)
    (tmp_path / "b").mkdir()
    with pytest.raises(UsageError, match="b holds no image"):
        load_data(str(tmp_path), PRE)
    picture(tmp_path / "b" / "0.png", 0)
    with pytest.raises(UsageError, match="class b has one image"):
        load_data(str(tmp_path), PRE)


def test_unknown_sources() -> None:
    with pytest.raises(UsageError, match="no training data at 'cifar-10'") as caught:
        load_data("cifar-10", PRE)
    assert "fashion-mnist:DIR" in caught.value.hint


def test_the_digest_covers_labels_and_classes() -> None:
    split = Split(ArrayImages(np.zeros((2, 8, 8), np.uint8)), np.array([0, 1]))
    other = Split(split.images, np.array([1, 0]))
    digests = {
        Dataset("x", classes, train, split).sha256 for classes in (("a", "b"), ("a", "c")) for train in (split, other)
    }
    assert len(digests) == 4


def test_the_small_card_is_normalised_by_fashion_mnists_own_statistics() -> None:
    if not source.FOLDER.is_dir():
        pytest.skip("needs the Debian package dataset-fashion-mnist")
    pre = find_card("condensenet_fashion_small").preprocessing
    images = load_data("fashion-mnist", pre).train.images
    assert isinstance(images, ArrayImages)
    assert pre.mean == pytest.approx([images.array.mean() / 255] * 3, abs=5e-4)
    assert pre.std == pytest.approx([images.array.std() / 255] * 3, abs=5e-4)
