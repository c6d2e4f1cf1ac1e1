"""The program's command line in this process: starting it anew for every wrong word takes longer than its answer."""

from __future__ import annotations

import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from edgekit.cli import main
from tests.cli.exporting import CARD
from tests.support.hints import wrong_advice

PLAIN = {"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder in which the program runs."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@contextmanager
def own_signals() -> Iterator[None]:
    """A block after which signals are handled as before; the program sets handlers of its own."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def edgekit(project: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., CompletedProcess[str]]:
    """Run ``edgekit`` with the given arguments in ``project``, without the user's own configuration."""

    def run(*arguments: object, **environment: str) -> CompletedProcess[str]:
        command = ["edgekit", *map(str, arguments)]
        capfd.readouterr()
        code = 0
        with pytest.MonkeyPatch.context() as patch, own_signals():
            patch.chdir(project)
            patch.setattr(sys, "argv", command)
            patch.setattr(tempfile, "tempdir", None)  # found anew, as TMPDIR has it
            for name, value in {**PLAIN, "XDG_CONFIG_HOME": str(tmp_path / "config"), **environment}.items():
                patch.setenv(name, value)
            try:
                main()
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        said = capfd.readouterr()
        assert "Traceback" not in said.err, said.err
        assert "Traceback" not in said.out, said.out
        assert list(wrong_advice(command[1:], said.err)) == []
        return CompletedProcess(command, code, said.out, said.err)

    return run


@pytest.fixture
def card(project: Path) -> Path:
    """SqueezeNet 1.1 at 64 pixels with 20 classes, as ``small`` in the project's own models."""
    text = CARD.split("[[weights]]")[0].replace('id = "squeezenet_1.1"', 'id = "small"').replace("224", "64")
    text = text.replace("resize = 256", "resize = 72").replace("num_classes = 1000", "num_classes = 20")
    path = project / "models" / "small.toml"
    path.parent.mkdir()
    path.write_text(re.sub("^aliases = .*$", "", text, flags=re.MULTILINE))
    return path
