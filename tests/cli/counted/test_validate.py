from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Program = Callable[..., CompletedProcess[str]]


def test_wrong_words_end_with_2_and_write_nothing(edgekit: Program, project: Path) -> None:
    before = sorted(project.rglob("*"))
    for words, said in (
        (("nosuch", "--device", "local"), "unknown model 'nosuch'"),
        (("mobilenet_v2", "--device", "local"), "what kind of board local is"),
        (("mobilenet_v2", "--device", "sim-rpi4"), "nothing can be timed"),
        (("mobilenet_v2", "--device", "attic"), "unknown device 'attic'"),
        (("--format", "onx"), "unknown format"),
    ):
        done = edgekit("validate", *words)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
    assert sorted(project.rglob("*")) == before
