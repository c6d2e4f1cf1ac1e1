"""Disks that are full or cannot be written."""

from __future__ import annotations

import json

import pytest

from tests.cli.exporting import files, refused

# Disks


def test_read_only_output(edgekit, card, read_only):
    done = edgekit("export", "small", "-f", "onnx", "--out", read_only / "artifacts")
    refused(done, 3, "Read-only file system", "--out")


def test_output_that_is_a_file(edgekit, project, card):
    (project / "taken").write_text("x")
    done = edgekit("export", "small", "-f", "onnx", "--out", "taken")
    refused(done, 2, "taken is a file where a folder is to be", "name another folder")


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_full_disk(edgekit, card, small_disk, format_):
    """The disk is smaller than the model: the converter, a native one too, fails, and that is said."""
    done = edgekit("export", "small", "-f", format_, "--out", small_disk, "--json")
    (outcome,) = json.loads(done.stdout)
    assert outcome["status"] != "converted"
    assert done.returncode in (1, 3)
    assert not [*small_disk.iterdir()]


def test_full_temporary_folder(edgekit, project, card, small_disk):
    (small_disk / "filler").write_bytes(bytes(200_000))
    done = edgekit("export", "small", "-f", "onnx", TMPDIR=str(small_disk))
    refused(done, 3, "", str(small_disk))
    assert "No space left on device" in done.stderr or "the disk is full" in done.stderr
    assert files(small_disk) == {"filler"}
    assert not files(project / "artifacts")
