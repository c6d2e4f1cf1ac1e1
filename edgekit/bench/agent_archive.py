"""The agent as one file to send to devices: ``agent.pyz``, an archive that Python runs (zipapp).

Beside each source the archive holds its byte code for the Python that runs edgekit, which halves the agent's start-up
if the device has the same version; other versions ignore it and use the source.
"""

from __future__ import annotations

import importlib.util
import io
import marshal
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType

from .. import agent

AGENT_FILE = "agent.pyz"
PACKAGE = "edgekit_agent"
"""The package's name in the archive; it must not hide any package on a device."""
START = f"from {PACKAGE}.main import leave_with_answer\n\nleave_with_answer()\n"
UNCHECKED = 0b01
"""Flag of byte code that is not compared with its source (PEP 552)."""
MARSHAL = marshal.version if sys.version_info >= (3, 14) else 2
"""Format of the byte code. Older Pythons mark in later formats what else refers to a constant, which depends on all
that the process did; 3.14 does not, and cannot write slices in format 2."""


@cache
def agent_archive() -> bytes:
    """The archive; the same sources and the same Python give the same bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, source in sources():
            archive.writestr(entry(name), source)
            archive.writestr(entry(f"{name}c"), byte_code(name, source))
    return written.getvalue()


def sources() -> Iterator[tuple[str, bytes]]:
    """Path in the archive and content of every module, in the order of their names."""
    yield "__main__.py", START.encode()
    root = Path(agent.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if path.name != "__main__.py":
            yield f"{PACKAGE}/{path.relative_to(root).as_posix()}", path.read_bytes()


def entry(name: str) -> zipfile.ZipInfo:
    """A file of the archive, with a fixed time."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def byte_code(name: str, source: bytes) -> bytes:
    """A ``.pyc`` of ``source``, in whose tracebacks stands the path in the archive."""
    code: CodeType = compile(source, f"{AGENT_FILE}/{name}", "exec", dont_inherit=True, optimize=0)
    header = importlib.util.MAGIC_NUMBER + UNCHECKED.to_bytes(4, "little") + importlib.util.source_hash(source)
    return header + marshal.dumps(code, MARSHAL)
