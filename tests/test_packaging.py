"""The wheel: what travels in it, and that the core install answers without PyTorch."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    # Without PYTHONPATH: it would put the clone before the installed copy.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    words = [str(part) for part in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd, env=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT)
    (file,) = out.glob("*.whl")
    return file


def test_wheel_holds_cards_profiles_photos_and_the_page(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("models", "export_profiles"):
        assert {f"edgekit/_data/{p.relative_to(ROOT)}" for p in (ROOT / folder).rglob("*.toml")} <= names
    assert sum(name.startswith("edgekit/calibration_photos/") for name in names) == 17
    page = {f"edgekit/reports/page/page.{kind}" for kind in ("html.j2", "css", "js")}
    assert {*page, "edgekit/reports/history.html.j2", "edgekit/probe_models/model.tflite"} <= names
    assert {"edgekit/py.typed", "edgekit/_data/constraints.txt"} <= names
    assert not any(name.startswith(("tests/", "device_reports/")) for name in names)


def test_the_same_files_become_the_same_bytes(wheel, tmp_path):
    clone = tmp_path / "elsewhere"
    clone.mkdir()
    for name in ("edgekit", "models", "export_profiles"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt", ".gitignore"):
        shutil.copy(ROOT / name, clone)
    for path in clone.rglob("*"):  # another checkout: other times, and files that only their owner may read
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (1.7e9, 1.7e9))
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir")
    run("env", "TZ=Asia/Tokyo", "LC_ALL=C", sys.executable, *build, tmp_path / "dist", clone, cwd=tmp_path)
    (again,) = (tmp_path / "dist").glob("*.whl")
    assert again.name == wheel.name
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()


@pytest.mark.network
def test_core_install_answers_without_torch(wheel, tmp_path):
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    # No byte code: of most of SciPy nothing is imported here.
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", "-c", ROOT / "constraints.txt", wheel)
    assert "torch" not in run(python, "-m", "pip", "list").stdout
    edgekit = tmp_path / "venv" / "bin" / "edgekit"
    assert "export" in run(edgekit, "--help", cwd=tmp_path).stdout
    listed = run(edgekit, "models", "list", cwd=tmp_path)
    assert "mobilenet_v3_large_1.0" in listed.stdout + listed.stderr
    found = run(edgekit, "doctor", cwd=tmp_path)
    assert "not installed" in found.stdout + found.stderr
    ask = "from edgekit.base.distribution import install_command; print(install_command('report'))"
    hint = run(python, "-c", ask, cwd=tmp_path).stdout
    assert f"edgekit-toolkit[report] @ {wheel.as_uri()}" in hint
    run(python, "-m", *shlex.split(hint), cwd=tmp_path)  # the command does what it promises
    run(python, "-c", "import jinja2", cwd=tmp_path)
