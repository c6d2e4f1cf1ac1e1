"""Limits on the candidate's file, and files of another network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.gate.file_limits import FileLimits, another_network, broken_limits
from edgekit.types import Artifact


@pytest.fixture
def made(tiny: Path) -> Artifact:
    """An artifact of some 1.6 MB with a delegate."""
    found = read_manifest(tiny / "tflite-int8").artifact
    audit = found.audit.model_copy(
        update={
            "delegate": "XNNPACK",
            "ops": {"CONV_2D": 9, "PADV2": 1},
            "delegated_ops": 9,
            "undelegated": {"PADV2": 1},
        }
    )
    return found.model_copy(update={"audit": audit, "macs": 10_000_000})


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({}, None),
        ({"max_size_mb": 100.0}, None),
        ({"max_size_mb": 1e-6}, "MB, and max_size_mb is 1e-06"),
        ({"max_size_growth": 0.0}, None),
        ({"min_delegated": 0.9}, None),
        (
            {"min_delegated": 0.95},
            "XNNPACK takes 90.0% of its operators, and min_delegated is 95.0%",
        ),
    ],
)
def test_limits(made: Artifact, limits: dict[str, Any], said: str | None) -> None:
    found = broken_limits(made, made.size_bytes, FileLimits(**limits))
    assert not found if said is None else said in found[0]


def test_growth(made: Artifact) -> None:
    (entry, *rest) = made.files
    grown = made.model_copy(update={"files": (entry.model_copy(update={"size_bytes": 2 * entry.size_bytes}), *rest)})
    (found,) = broken_limits(grown, made.size_bytes, FileLimits(max_size_growth=0.1))
    assert "and max_size_growth is 10.0%" in found
    assert broken_limits(made, grown.size_bytes, FileLimits(max_size_growth=0.0)) == []


def test_another_network_is_named(made: Artifact) -> None:
    assert another_network(made, made) == []
    smaller = made.inputs[0].model_copy(update={"shape": (1, 6, 6, 3)})
    other = made.model_copy(update={"inputs": (smaller,), "macs": 5_600_000})
    told = another_network(other, made)
    assert told == [
        "the input changed: int8 1x8x8x3 in the baseline, int8 1x6x6x3 in the candidate",
        "the MACs changed: 10.0 M in the baseline, 5.6 M in the candidate",
    ]
