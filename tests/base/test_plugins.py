"""The example package, built and put on the path as pip would: its family, rewrite, profile, card and transport."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugin"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the example's wheel in it."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(EXAMPLE, folder / "source")
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line with the packages of ``site``."""
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    env = {**os.environ, "PYTHONPATH": path, "XDG_CONFIG_HOME": str(folder / "config")}
    command = [sys.executable, "-m", "edgekit", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False, cwd=folder, env=env)


def package(folder: Path, points: str, code: str = "") -> Path:
    """A folder of packages with one that offers ``points``."""
    info = folder / "other-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(points)
    (folder / "other.py").write_text(code)
    return folder


@pytest.mark.slow
def test_a_family_a_rewrite_a_profile_and_a_transport(site: Path, tmp_path: Path) -> None:
    exported = run(site, tmp_path, "export", "dot_net", "--profile", "onnx-fp32-lean", "--json")
    assert exported.returncode == 0, exported.stderr
    manifest = json.loads((tmp_path / "artifacts" / "dot_net_16" / "onnx-fp32-lean" / "manifest.json").read_text())
    assert {"name": "drop_dropout", "count": 1, "note": ""} in manifest["rewrites"]
    assert manifest["params"] == 1562
    (tmp_path / "devices.toml").write_text('[quiet]\ntransport = "plugin"\nplugin = "gentle"\n')
    measured = run(site, tmp_path, "profile", "dot_net_16", "--device", "quiet", "--json")
    assert measured.returncode == 0, measured.stderr
    (one,) = json.loads(measured.stdout)["measurements"]
    assert (one["device"]["plugin"], one["model"]) == ("gentle", "dot_net_16")


def test_without_the_package_each_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text('[quiet]\ntransport = "plugin"\nplugin = "gentle"\n')
    nowhere = run(tmp_path, tmp_path, "devices", "check", "quiet")
    assert nowhere.returncode != 0
    assert "reached by the plug-in 'gentle', and no installed package offers it" in nowhere.stderr + nowhere.stdout
    (tmp_path / "devices.toml").write_text('[quiet]\ntransport = "plugin"\n')
    half = run(tmp_path, tmp_path, "devices", "list")
    assert half.returncode == 2
    assert "go together" in half.stderr
    assert "unknown model 'dot_net'" in run(tmp_path, tmp_path, "models", "show", "dot_net").stderr


@pytest.mark.parametrize(
    ("points", "code", "said"),
    [
        ("[edgekit.families]\nsqueezenet = other:made\n", "", "other 2.0 offers edgekit.families 'squeezenet', and"),
        ("[edgekit.families]\nmine = other:made\n", "1 / 0\n", "'mine' of other 2.0 cannot be imported: ZeroDiv"),
        ("[edgekit.families]\nmine = other:made\n", "made = 3\n", "'mine' of other 2.0 is no function: other:made"),
        ("[edgekit.families]\nmine = nowhere:made\n", "", "cannot be imported: ModuleNotFoundError"),
        ("[edgekit.models]\nmine = other\n", "", "'mine' of other 2.0 names other, which is no package"),
    ],
)  # fmt: skip
def test_a_broken_plug_in_is_named(tmp_path: Path, points: str, code: str, said: str) -> None:
    card = (Path(__file__).parents[2] / "models" / "squeezenet_1.1.toml").read_text()
    mine = card.replace('"squeezenet"', '"mine"').replace('"squeezenet_1.1"', '"mine"').replace("squeezenet1_1", "m2")
    (tmp_path / "mine.toml").write_text(mine)
    broken = package(tmp_path / "packages", points, code)
    asked = ("models", "list") if "models" in points else ("export", "mine.toml", "--format", "onnx")
    done = run(broken, tmp_path, *asked)
    assert done.returncode in (2, 3), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_two_packages_that_offer_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.base import plugins
    from edgekit.errors import UsageError

    package(tmp_path / "one", "[edgekit.passes]\nmine = other:made\n")
    second = package(tmp_path / "two", "[edgekit.passes]\nmine = another:made\n")
    (second / "other-2.0.dist-info").rename(second / "third-2.0.dist-info")
    (second / "third-2.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: third\nVersion: 2.0\n")
    monkeypatch.syspath_prepend(str(tmp_path / "one"))
    monkeypatch.syspath_prepend(str(second))
    plugins.offered.cache_clear()
    try:
        with pytest.raises(UsageError, match=r"both offer edgekit\.passes 'mine'"):
            plugins.offered("passes")
    finally:
        plugins.offered.cache_clear()


def test_the_code_of_a_plug_in_is_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.base import plugins

    place = package(tmp_path, "[edgekit.passes]\nmine = other:made\n", "made = print\n")
    monkeypatch.syspath_prepend(str(place))
    plugins.offered.cache_clear()
    try:
        before = plugins.versions("passes", ["mine", "fold_batch_norm"])
        (place / "other.py").write_text("made = len\n")
        after = plugins.versions("passes", ["mine", "fold_batch_norm"])
    finally:
        plugins.offered.cache_clear()
    assert before.keys() == after.keys() == {"mine"}
    assert before["mine"].startswith("other 2.0, ")
    assert before != after
