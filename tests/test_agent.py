"""The package travels: to old Pythons, and without edgekit."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit import agent

ROOT = Path(agent.__file__).parent
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def imports(module: str) -> Iterator[tuple[ast.stmt, str]]:
    """Every import of a module and what it takes: a package, or with leading dots a module of the agent."""
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node, name.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            yield node, "." * node.level + (str(node.module) if node.level else str(node.module).split(".")[0])


def test_all_of_it_is_seen() -> None:
    assert {"main.py", "battery/meter.py", "commands/bench.py", "runtimes/litert.py"} <= set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_it_is_written_in_python_3_7(module: str) -> None:
    ast.parse((ROOT / module).read_text(), feature_version=(3, 7))


@pytest.mark.parametrize("module", MODULES)
def test_at_its_top_it_imports_the_standard_library_and_itself(module: str) -> None:
    top = ast.parse((ROOT / module).read_text()).body
    found = {name for node, name in imports(module) if node.lineno in {one.lineno for one in top}}
    assert {name for name in found if name[0] != "."} <= set(sys.stdlib_module_names)
    # No relative import leads out of the package.
    depth = module.count("/") + 1
    assert all(len(name) - len(name.lstrip(".")) <= depth for _, name in imports(module) if name[0] == ".")


def test_inside_functions_it_imports_numpy_and_runtimes_alone() -> None:
    found = {name for module in MODULES for _, name in imports(module) if name[0] != "."}
    assert found - set(sys.stdlib_module_names) == {
        "numpy", "onnxruntime", "openvino", "ai_edge_litert", "tflite_runtime",
    }  # fmt: skip


def test_no_module_is_long() -> None:
    lines = {module: (ROOT / module).read_text().count("\n") for module in MODULES}
    assert max(lines.values()) <= 200
