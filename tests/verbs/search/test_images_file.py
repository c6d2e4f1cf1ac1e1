"""The images of a search as files and as bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import UsageError
from edgekit.training.datasets import ArrayImages, Dataset, Split
from edgekit.verbs.search.images_file import CHUNK, content_of, images_file, unpacked


def data(count: int = CHUNK + 7, other: int = 0) -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (count + 5, 4, 6, 3), dtype=np.uint8)
    pixels[3, 1, 2, 0] ^= other
    labels = np.arange(count + 5) % 3
    parts = (slice(0, count), slice(count, None))
    train, judged = (Split(ArrayImages(pixels[part]), labels[part]) for part in parts)
    return Dataset("made", ("a", "b", "c"), train, judged)


def test_the_files_hold_all_images_and_labels_in_order() -> None:
    made = data()
    with images_file(made) as images:
        pixels, labels = np.load(images.images), np.load(images.labels)
        assert images.train == CHUNK + 7
        assert images.classes == 3
    expected = [split.images.take(np.arange(len(split.labels))) for split in (made.train, made.test)]
    assert np.array_equal(pixels, np.concatenate(expected))
    assert np.array_equal(labels, np.concatenate([made.train.labels, made.test.labels]))
    assert not images.folder.exists()


def test_the_digest_is_of_the_content() -> None:
    digests = []
    named = replace(data(), classes=("a", "b", "d"))
    for one in (data(), data(), data(other=1), data(count=CHUNK + 6), named):
        with images_file(one) as images:
            digests.append(images.sha256)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_a_worker_keeps_what_it_has_and_mends_what_is_damaged(tmp_path: Path) -> None:
    with images_file(data()) as images:
        content = content_of(images)
    folder = unpacked(content, tmp_path / "there")
    first = (folder / "images.npy").stat()
    unpacked(content, folder)
    assert (folder / "images.npy").stat().st_mtime_ns == first.st_mtime_ns
    (folder / "images.npy").write_bytes(b"x" * len(content.files["images.npy"]))
    unpacked(content, folder)
    assert (folder / "images.npy").read_bytes() == content.files["images.npy"]


def test_a_name_that_leads_out_is_refused(tmp_path: Path) -> None:
    with images_file(data()) as images:
        content = content_of(images)
    evil = replace(content, files={"../evil": b"x"})
    with pytest.raises(UsageError, match="the name of a file of images"):
        unpacked(evil, tmp_path / "there")
    assert not (tmp_path / "evil").exists()
