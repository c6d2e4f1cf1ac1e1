"""Check images for the small artifacts of the tests, which come without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.artifacts.store import read_manifest
from edgekit.base.files import sha256_file
from edgekit.base.images.pixels import from_output
from edgekit.bench.launch import call_agent
from edgekit.types import FileEntry
from edgekit.types.artifacts import CHECK_FILE


def with_check(folder: Path, change: Callable[[Any], Any] = lambda reference: reference) -> None:
    """Add a check image to an artifact: noise, and what this machine makes of it."""
    artifact = read_manifest(folder).artifact
    (shape, dtype), generator = (artifact.inputs[0].shape, artifact.inputs[0].dtype), np.random.default_rng(0)
    image = generator.random(shape, np.float32)
    if dtype != "float32":
        image = generator.integers(-128, 128, shape)
    given, taken = folder / "in.npy", folder / "out.npy"
    np.save(given, image.astype(dtype))
    model = str(folder / artifact.model_file)
    request = {
        "command": "run",
        "runtime": artifact.runtime,
        "model": model,
        "inputs": str(given),
        "outputs": str(taken),
    }
    call_agent(request, 60, "running")
    reference = from_output(np.load(taken), artifact.outputs[0])
    np.savez(folder / CHECK_FILE, input=np.load(given), reference=change(reference))
    given.unlink()
    taken.unlink()
    path = folder / CHECK_FILE
    entry = FileEntry(name=CHECK_FILE, size_bytes=path.stat().st_size, sha256=sha256_file(path))
    whole = artifact.model_copy(update={"files": (*artifact.files, entry)})
    (folder / "manifest.json").write_text(whole.model_dump_json())
