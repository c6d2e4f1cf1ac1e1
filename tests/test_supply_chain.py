"""What a release installs and says of itself: locked files, the bill of materials, the audit, the actions' commits."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PINS = dict(
    line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line.partition("#")[0]
)
LOCKED = {path.stem: path.read_text() for path in (ROOT / "locked").glob("*.txt")}
EXTRAS = {"core": (), "run": ("run", "report"), "export": ("export", "run", "report")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def script(name: str) -> ModuleType:
    """A script of ``.ci``, imported."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entries(text: str) -> list[tuple[str, str, int]]:
    """Name, version and number of hashes of each pin of a locked file."""
    found = []
    for block in re.split(r"\n(?=[\w])", text):
        pin = re.match(r"([\w.-]+)==([^\s;\\]+)", block)
        if pin:
            found.append((pin[1], pin[2], len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", block))))
    return found


@pytest.mark.parametrize("name", EXTRAS)
def test_what_is_locked_is_what_was_tested(name: str) -> None:
    found = entries(LOCKED[name])
    assert {(package, version) for package, version, _ in found if PINS.get(package, version) != version} == set()
    assert [package for package, _, hashes in found if hashes == 0] == []
    wanted = [
        *PROJECT["dependencies"],
        *(one for extra in EXTRAS[name] for one in PROJECT["optional-dependencies"][extra]),
    ]
    names = {re.match(r"[\w.-]+", requirement)[0] for requirement in wanted}  # type: ignore[index]
    assert names <= {package for package, _, _ in found}, "make lock"


def test_the_locked_files_name_no_index() -> None:
    assert [name for name, text in LOCKED.items() if re.search(r"index-url|https?://|find-links", text)] == []


def test_the_workflows_name_actions_by_commit() -> None:
    for path in (ROOT / "docs" / "ci").glob("*.yml"):
        used = re.findall(r"uses: *(\S+)(.*)", path.read_text())
        assert used
        assert [one for one, said in used if not re.search(r"@[0-9a-f]{40}$", one) or "v" not in said] == []


# The bill of materials


@pytest.fixture
def bill(tmp_path: Path) -> dict:
    (tmp_path / "edgekit_toolkit-1.2.3-py3-none-any.whl").write_bytes(b"a wheel")
    script("sbom").main(ROOT / "locked" / "run.txt", tmp_path)
    return json.loads((tmp_path / "edgekit_toolkit-1.2.3.cdx.json").read_text())


def test_the_bill_names_the_wheel_and_every_locked_package(bill: dict) -> None:
    root = bill["metadata"]["component"]
    assert (root["name"], root["version"]) == ("edgekit-toolkit", "1.2.3")
    assert root["hashes"][0]["content"] == "69f51477f05c46bfa5ff0027a1fcde274695311a38adfb85611ffeb93c8b146b"
    listed = [
        (part["name"], part["version"], len(part["externalReferences"][0]["hashes"])) for part in bill["components"]
    ]
    assert listed == entries(LOCKED["run"])
    assert bill["dependencies"][0]["dependsOn"] == [part["bom-ref"] for part in bill["components"]]


def test_the_same_wheel_has_the_same_bill(bill: dict, tmp_path: Path) -> None:
    (wheel,) = tmp_path.glob("*.whl")
    assert script("sbom").bill(LOCKED["run"], wheel) == bill


# The audit


SAFE = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([SAFE], 0, "1 packages audited, 0 known vulnerabilities"),
        ([SAFE, BAD, UNKNOWN], 1, "b 2: PYSEC-1, mended in 3"),
        ([SAFE, UNKNOWN], 3, "NOT AUDITED: 1 of 2, of which nobody could tell: c"),
        ([], 3, "NOT AUDITED: 0 of 0"),
    ],
)
def test_the_audit_calls_nothing_safe_that_it_did_not_look_at(
    packages: list[dict], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("audit").tell(packages) == code
    assert said in capsys.readouterr().out


def test_an_audit_that_cannot_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("audit").main(tmp_path / "no-such-file.txt") == 3
    assert capsys.readouterr().out.startswith("NOT AUDITED: pip-audit could not run: ")
