"""Constants of programs: names that strangers gave stay strings."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgekit.artifacts.snippet.constants import cpp_tensors, kotlin_tensors, quoted
from edgekit.types import QuantParams, TensorSpec

HOSTILE = [
    "plain",
    'a"; system("true"); //',
    "back\\slash",
    "$dollar ${name}",
    "??/",
    "new\nline",
    "ümläut 語 🎈",
    "7\x01234",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_within_its_quotes(name: str) -> None:
    for kotlin in (False, True):
        inside = quoted(name, kotlin)[1:-1]
        assert inside.isascii()
        assert inside.isprintable()
        assert '"' not in inside
    assert "$" not in quoted(name, kotlin=True)


def test_names_are_the_same_in_cpp(tmp_path: Path) -> None:
    if shutil.which("g++") is None:
        pytest.skip("needs g++")
    source = tmp_path / "names.cpp"
    names = ", ".join(quoted(name) for name in HOSTILE)
    source.write_text(
        f"#include <iostream>\nint main() {{ for (const char* name : {{{names}}}) std::cout << name << '\\0'; }}\n"
    )
    subprocess.run(["g++", "-std=c++17", "-Wall", "-Werror", source, "-o", tmp_path / "names"], check=True, timeout=120)
    said = subprocess.run([tmp_path / "names"], capture_output=True, check=True, timeout=60).stdout
    assert said.decode().split("\0")[:-1] == HOSTILE


def test_tensors() -> None:
    small = QuantParams(scale=1e-05, zero_point=-3)
    specs = [
        TensorSpec(name="input", shape=(-1, 3, 8, 8), layout="NCHW", dtype="float32"),
        TensorSpec(name="logits", shape=(1, 5), layout="NC", dtype="int8", quantization=small),
    ]
    assert cpp_tensors(specs) == ('{"input", {1, 3, 8, 8}, "float32", 0.0f, 0}, {"logits", {1, 5}, "int8", 1e-05f, -3}')
    assert kotlin_tensors(specs) == 'Tensor("input", "float32", 0.0f, 0), Tensor("logits", "int8", 1e-05f, -3)'
