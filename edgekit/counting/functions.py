"""Which functions of a runtime execute the instructions of an inference, by the symbols of its libraries.

LiteRT's aarch64 wheel keeps its symbols, so XNNPACK's kernels have names; ONNX Runtime's and OpenVINO's have none for
theirs, and their instructions are given by library.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..types import FunctionCount
from ..types.answers import Code
from .elf import Image, read_image

KEPT = 40
"""Functions that are kept; the rest is one entry."""
REST = "all others"


def by_function(blocks: Mapping[int, int], code: Iterable[Code], tree: Path) -> tuple[FunctionCount, ...]:
    """The functions with the most instructions, largest first, then all others as one.

    Args:
        blocks: address of a block to the instructions that it executed.
        code: the files that the process had mapped.
        tree: below which paths are looked for first, as QEMU does.
    """
    mapped = sorted(code, key=lambda one: one.begin)
    images: dict[str, Image] = {}
    total: dict[tuple[str, str], int] = defaultdict(int)
    for address, instructions in blocks.items():
        where = next((one for one in mapped if one.begin <= address < one.end), None)
        if where is None:
            total["", "code made at run time"] += instructions
            continue
        if where.path not in images:
            images[where.path] = image_of(where.path, tree)
        name = images[where.path].function_at(address - where.begin + where.offset)
        total[Path(where.path).name, readable(name or "")] += instructions
    found = [FunctionCount(library=library, name=name, instructions=n) for (library, name), n in total.items()]
    found.sort(key=lambda one: (-one.instructions, one.library, one.name))
    rest = sum(one.instructions for one in found[KEPT:])
    return (*found[:KEPT], *([FunctionCount(library="", name=REST, instructions=rest)] if rest else ()))


def image_of(path: str, tree: Path) -> Image:
    """The facts of a mapped file, which QEMU may name by its place here or there."""
    for candidate in (tree / path.lstrip("/"), Path(path)):
        if candidate.is_file():
            return read_image(candidate)
    return Image()


def readable(name: str) -> str:
    """A C++ name's parts, without its parameters; other names as they are.

    Only the plain kind, ``_ZN3foo3barE…``, is taken apart; what it does not know stays mangled.
    """
    if not name.startswith("_Z"):
        return name
    parts, rest = [], re.sub(r"^_Z(?:N[KVRO]*)?(?:St)?", "", name)
    while found := re.match(r"(\d+)", rest):
        size, rest = int(found[1]), rest[found.end() :]
        if size > len(rest):
            return name
        parts.append(rest[:size])
        rest = rest[size:]
    return "::".join(part for part in parts if not part.startswith("_GLOBAL__N")) or name
