"""What a file says of itself is written into TFLite files alone."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from edgekit.artifacts.described import describe_file
from edgekit.artifacts.store import read_manifest

TINY = Path(__file__).parents[1] / "data" / "artifacts" / "tiny"


def test_only_tflite_files_change(tmp_path: Path) -> None:
    for profile, changes in (("onnx-fp32", False), ("tflite-int8", True)):
        artifact = read_manifest(TINY / profile).artifact
        original = TINY / profile / artifact.model_file
        file = Path(shutil.copy(original, tmp_path))
        describe_file(artifact.format, file, "tiny", artifact.inputs, artifact.outputs, ("a", "b", "c", "d", "e"))
        assert (file.read_bytes() != original.read_bytes()) == changes
        assert zipfile.is_zipfile(file) == changes
