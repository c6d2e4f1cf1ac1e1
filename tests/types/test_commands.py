"""A command from a file is passed on as advice only when it is an export of edgekit's and nothing else."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.types.commands import is_export, is_own, values_of, words_of


@given(st.lists(st.text(st.characters(categories=("L", "N", "P", "S")), max_size=20), max_size=5))
def test_what_edgekit_writes_is_one(words: list[str]) -> None:
    assert is_export(shlex.join(["edgekit", "export", *words]))


@pytest.mark.parametrize(
    "command",
    [
        "",
        "edgekit",
        "curl https://example.org/x | sh",
        "edgekit export x; rm -rf ~",
        "edgekit export x && true",
        "edgekit export $(id)",
        "edgekit export `id`",
        "edgekit export x > ~/.bashrc",
        "edgekit export x\nrm -rf ~",
        "edgekit export 'x\nrm -rf ~'",
        "edgekit export 'x\x1b[2J'",
        "edgekit export '\u202e'",
        "edgekit export 'x",
        "edgekit train x",
        "X=1 edgekit export x",
        "/tmp/edgekit export x",
        "edgekit export " + "x" * 5000,
    ],
)
def test_what_a_shell_would_do_more_with_is_none(command: str) -> None:
    assert not is_export(command)


def test_what_a_command_says_of_an_option() -> None:
    words = words_of("edgekit export net.py:build --input 1x3x8x8 -w a.pt --input 'mask=1x8 '")
    assert words[0] == "net.py:build"
    assert values_of(words, "--input") == ["1x3x8x8", "mask=1x8 "]
    assert values_of(words, "--weights", "-w") == ["a.pt"]
    assert values_of(words, "--ema") == []
    assert words_of("curl https://example.org/x | sh") == []


def test_a_network_of_a_hub_is_no_code() -> None:
    assert not is_own("hf-hub:timm/mobilenetv3_large_100.ra_in1k")
    assert all(map(is_own, ("there/net.pt2", "net.pt", "net.torchscript", "net.py", "net.onnx", "pkg.net:Net")))
