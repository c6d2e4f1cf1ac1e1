"""What a long work tells: typed events that know what they are about."""

from __future__ import annotations

import ast
from pathlib import Path

import edgekit
from edgekit.base.progress import Finished, Note, Step, Warned, silent, telling

ROOT = Path(edgekit.__file__).parent


def test_the_widest_subject_comes_first(heard):
    artifact = telling("a/onnx-fp32", telling("board", heard))
    artifact(Step("measuring"))
    artifact(Warned("hot", ("core 1",)))
    assert heard.events == [
        Step("measuring", ("board", "a/onnx-fp32")),
        Warned("hot", ("board", "a/onnx-fp32", "core 1")),
    ]
    assert heard.lines == ["board: a/onnx-fp32: measuring", "board: a/onnx-fp32: core 1: hot"]


def test_events_of_two_kinds_are_never_the_same():
    assert len({kind("x") for kind in (Step, Finished, Note, Warned)} | {Step("x")}) == 4
    assert silent(Step("x")) is None


def test_nobody_takes_bare_texts():
    """No alias and no parameter takes lines of text where events belong."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Subscript) and ast.unparse(node) == "Callable[[str], None]"
    ]
    assert found == []
