"""The tests mirror the house: whoever changes a module knows where its tests are."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOTS = {"benchmarks": HERE.parent, "tools": HERE.parent}
"""Folders of tests about what lies beside the package."""
ACROSS = {
    "base/images/test_photo_pixels.py": "pixels against torchvision's, from file to tensor",
    "bench/test_accelerators.py": "LiteRT's GPU accelerator on a software driver",
    "bench/test_providers.py": "ONNX Runtime's execution providers on a software driver",
    "benchmarks/test_published.py": "the published figures",
    "cli/show/test_input_lines.py": "the lines about a network's input, whoever shows them",
    "cli/test_help.py": "the help of every command",
    "cli/test_quarantine.py": "gates in quarantine, as typed",
    "devices/phone/test_hostile_phone.py": "phones that print nonsense, whatever asks them",
    "convert/int8/test_exact_float_layers.py": "layers kept in float, in every format's file",
    "convert/int8/test_keep_float.py": "layers kept in float, in every format's file",
    "convert/openvino/test_linear.py": "linear layers as convolutions, as OpenVINO executes them",
    "convert/test_files.py": "the files of every format, read with the formats' own libraries",
    "convert/test_gates.py": "the ranges of hard-swishes, in both formats that write them in parts",
    "convert/test_ways.py": "every format, precision and type of the ends",
    "convert/tflite/test_delegate.py": "ranges that keep everything on the delegate",
    "fuzz/test_parsers.py": "whatever reads what others have written",
    "passes/test_batch_norm_rewrites.py": "rewrites of batch normalisation together",
    "passes/test_delegate_forms.py": "rewrites for delegates together",
    "passes/test_gpu_traps.py": "what rewrites spare a GPU",
    "reports/gate/test_pages.py": "one gate in Markdown, JUnit XML and annotations",
    "reports/page/test_browser.py": "the page in a browser",
    "test_action.py": "the GitHub action",
    "test_import_time.py": "what starting up must not import",
    "test_mirror.py": "this",
    "test_packaging.py": "the wheel",
    "test_portable.py": "the core on Windows and macOS",
    "test_setup.py": "the Makefile",
    "test_supply_chain.py": "what is installed",
    "verbs/test_emulated_zoo.py": "every family on emulated cores",
    "verbs/test_every_precision.py": "every family in every precision",
    "verbs/test_faked_sys.py": "devices with files of ours below /sys",
    "verbs/test_gpu.py": "whole networks on a GPU's software driver",
    "verbs/test_labgrid.py": "places of a real labgrid",
    "verbs/test_no_files.py": "pipes and devices where files are to be",
    "zoo/test_cards.py": "every card's network",
    "zoo/test_references.py": "every family against other implementations",
    "zoo/test_trained_checkpoints.py": "checkpoints of edgekit's own trainer",
}
"""Tests of several modules together, and what they are about."""


def found_in(folder: Path) -> list[str]:
    """The test files below a folder; those of the documentation mirror its pages' rules, not modules."""
    found = (path.relative_to(folder) for path in folder.rglob("test_*.py"))
    return sorted(str(path) for path in found if path.parts[0] != "docs")


def mirrors(test: Path, root: Path) -> bool:
    """Whether a test file has the name of a module or package at its place, maybe with the part that it is about.

    The tests of a large module may also fill a folder of its name.
    """
    words = test.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    at = root / test.parent
    if at.with_suffix(".py").is_file():
        return True
    return any((at / f"{name}.py").is_file() or (at / name / "__init__.py").is_file() for name in names if name)


@pytest.mark.parametrize("test", found_in(HERE))
def test_a_test_has_the_path_of_what_it_is_about(test: str) -> None:
    path = Path(test)
    root = ROOTS.get(path.parts[0], HERE.parent / "edgekit")
    if test in ACROSS:
        assert not mirrors(path, root), f"{test} has the path of a module: take it off the list"
    else:
        assert mirrors(path, root), f"{test}: no module of this path in {root.name}; move it, or list what it is about"


def test_what_is_listed_is_there() -> None:
    assert ACROSS.keys() - set(found_in(HERE)) == set()
