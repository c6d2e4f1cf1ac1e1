"""The installed program, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(sys.executable).with_name("edgekit")
PLAIN = {"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder in which the program runs."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def edgekit(project: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``edgekit`` with the given arguments in ``project``, without the user's own configuration."""

    def run(*arguments: object, timeout: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
        env: dict[str, Any] = {**os.environ, **PLAIN, "XDG_CONFIG_HOME": str(tmp_path / "config"), **environment}
        done = subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            cwd=project,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert "Traceback" not in done.stdout, done.stdout
        return done

    return run
