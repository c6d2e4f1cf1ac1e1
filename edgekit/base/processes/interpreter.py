"""The command that starts a Python of ours, which finds edgekit and its packages before anything of the user's folder.

``python -m`` would look into the folder that edgekit is called from first: a user's ``random.py``, ``onnx.py`` or
``cuda.py`` there would be run in place of the packages of that name.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
"""The folder that holds edgekit. In a checkout that is not installed, nothing else names it."""
START = (
    "import runpy, sys; root = sys.argv.pop(1); root in sys.path or sys.path.insert(0, root); "
    "runpy.run_module(sys.argv[1], run_name='__main__')"
)


def python_module(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of edgekit as a program; its arguments are ``sys.argv[2:]`` there."""
    return [sys.executable, "-P", "-c", START, str(ROOT), module, *arguments]
