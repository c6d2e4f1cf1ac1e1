from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.bench.launch import ThisMachine

STAND_IN = Path(__file__).parent.parent / "data" / "device" / "stand_in.py"


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[..., Any]:
    """A device that answers from a script, see ``tests/data/device/stand_in.py``: ``stand_in(bench=[{...}], ...)``."""

    def build(**script: Any) -> ThisMachine:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(script))

        class StandIn(ThisMachine):
            def command(self, program: str, argument: str) -> list[str]:
                return [sys.executable, "-S", str(STAND_IN), str(path), program, argument]

        return StandIn()

    return build
