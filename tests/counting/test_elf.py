from __future__ import annotations

import sys
from pathlib import Path

from edgekit.counting.elf import Image, read_image


def test_what_the_interpreter_loads_with_and_where_its_functions_are() -> None:
    image = read_image(Path(sys.executable).resolve())
    assert image.dynamic
    assert image.segments
    offset, address, _ = image.segments[1]
    if not image.starts:  # a build without exported symbols
        return
    number = next(n for n, start in enumerate(image.starts) if start >= address)
    assert image.function_at(image.starts[number] - address + offset) == image.names[number]


def test_a_function_without_a_size_reaches_to_the_next_and_others_to_their_end() -> None:
    image = Image(
        segments=((0x1000, 0x401000, 0x100),), starts=(0x401010, 0x401040), sizes=(0, 0x20), names=("one", "two")
    )
    assert image.function_at(0x1010) == "one"
    assert image.function_at(0x103F) == "one"
    assert image.function_at(0x1040) == "two"
    assert image.function_at(0x105F) == "two"
    assert image.function_at(0x1060) is None
    assert image.function_at(0x1000) is None
    assert image.function_at(0x2000) is None


def test_what_is_no_elf_file_says_nothing(tmp_path: Path) -> None:
    whole = Path(sys.executable).resolve().read_bytes()
    for content in (b"", b"#!/bin/sh\n", whole[:50], whole[:4000]):
        path = tmp_path / "file"
        path.write_bytes(content)
        assert not read_image(path).names
