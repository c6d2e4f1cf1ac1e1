"""The distribution's name, and the hints that say how to install more of edgekit."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.base import distribution

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TEXTS = ("*.md", "*.py", "*.toml", "*.yml", "*.yaml", "*.txt", "*.j2", "Makefile", ".ci/*", "*.sh")
INSTALLERS = re.compile(
    r"\b(?:pip3?|pipx|uv tool|uv pip|uvx|conda)\s+(?:install|run|download|wheel)\b(?P<words>[^`\n]*)"
)
BARE = re.compile(r"edgekit(?:\[[^\]]*\])?(?:[=<>~!]=?[\w.*]+)?")
"""The stranger's package, as pip would understand it; a path, a wheel file or a Git URL holds more."""


def test_the_name_is_in_one_place() -> None:
    assert PROJECT["name"] == distribution.NAME
    others = [p for p in (ROOT / "edgekit").rglob("*.py") if p.name != "distribution.py"]
    assert [str(p) for p in others if distribution.NAME in p.read_text()] == []


def test_in_the_clone_itself_the_hint_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert distribution.install_command("run") == "pip install -c constraints.txt -e '.[run]'"


def test_elsewhere_the_hint_names_the_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(distribution.install_command("run,report"))
    assert words == ["pip", "install", "-c", str(ROOT / "constraints.txt"), "-e", f"{ROOT}[run,report]"]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The metadata of a copy that pip has installed, and no clone around the code."""
    folder = tmp_path / "site" / "edgekit_toolkit-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution.NAME}\nVersion: 1\nRequires-Dist: rich\n"
    )
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.setattr(distribution, "PACKAGE", folder.parent / "edgekit")
    return folder


@pytest.mark.parametrize(
    ("noted", "source"),
    [
        ({"url": "file:///wheels/edgekit_toolkit-1-py3-none-any.whl", "archive_info": {}}, None),
        (
            {"url": "https://example.org/edgekit.git", "vcs_info": {"vcs": "git", "commit_id": "0123abc"}},
            "git+https://example.org/edgekit.git@0123abc",
        ),
    ],
)
def test_an_installed_copy_names_where_it_came_from(noted: dict, source: str | None, installed: Path) -> None:
    (installed / "direct_url.json").write_text(json.dumps(noted))
    wanted = f"{distribution.NAME}[run] @ {source or noted['url']}"
    constraints = installed.parent / "edgekit" / "_data" / "constraints.txt"
    assert shlex.split(distribution.install_command("run")) == ["pip", "install", "-c", str(constraints), wanted]
    assert distribution.requirements() == ("rich",)


def test_a_copy_from_an_index_is_asked_for_by_its_own_name(installed: Path) -> None:
    assert distribution.install_command("run").endswith(f"'{distribution.NAME}[run]'")


def test_the_clones_requirements_are_those_of_its_project_file() -> None:
    found = distribution.requirements()
    assert set(PROJECT["dependencies"]) <= set(found)
    assert {f'{line}; extra == "run"' for line in PROJECT["optional-dependencies"]["run"]} <= set(found)


def test_images_can_be_read_where_models_run() -> None:
    extras = PROJECT["optional-dependencies"]
    assert all(any(line.startswith("pillow") for line in extras[extra]) for extra in ("run", "export"))


# No text takes a stranger's package for edgekit


def strangers(text: str) -> list[str]:
    """The words after an installer's command that stand for the stranger's package."""
    return [
        word
        for found in INSTALLERS.finditer(text)
        for word in re.split(r"[\s'\"(),;]+", found["words"])
        if BARE.fullmatch(word)
    ]


def texts() -> Iterator[Path]:
    """Every text of the repository."""
    skipped = {".git", ".venv", "artifacts", "dist", "build", "device_reports", "__pycache__"}
    for pattern in TEXTS:
        for path in ROOT.rglob(pattern):
            if path.is_file() and not skipped & set(path.relative_to(ROOT).parts) and path != Path(__file__):
                yield path


@pytest.mark.parametrize(
    "line",
    [
        "pip install edgekit",
        "pip install -c constraints.txt 'edgekit[run]'",
        "run `pip install --upgrade edgekit` there",
        "python -m pip install edgekit==0.1.0 numpy",
        "pipx install edgekit",
    ],
)
def test_the_search_finds_what_takes_the_strangers_package(line: str) -> None:
    assert len(strangers(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "pip install -e '.[run]'",
        "pip install dist/edgekit_toolkit-0.1.0-py3-none-any.whl",
        "pip install 'edgekit-toolkit[run] @ git+https://example.org/edgekit'",
        "edgekit devices prepare nuc, or by hand: pip install numpy",
        "pip install onnxruntime",
    ],
)
def test_the_search_leaves_other_lines_alone(line: str) -> None:
    assert strangers(line) == []


def test_no_text_tells_anyone_to_install_the_strangers_package() -> None:
    found = {str(path.relative_to(ROOT)): strangers(path.read_text(errors="replace")) for path in texts()}
    assert len(found) > 200
    assert {path: words for path, words in found.items() if words} == {}


def test_no_workflow_asks_an_index_for_it() -> None:
    for path in [ROOT / "action.yml", *(ROOT / "docs" / "ci").glob("*.yml")]:
        assert not re.search(r"install:\s*['\"]?edgekit", path.read_text()), path
