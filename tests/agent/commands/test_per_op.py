from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Ask = Callable[..., dict[str, Any]]


def test_operators_are_timed(ask: Ask, runtime: str) -> None:
    value = ask("per_op", runtime, runs=5)
    assert sum("conv" in op["type"].lower() for op in value["per_op"]) == 2
    assert all(0 <= op["ns"] < 10_000_000 for op in value["per_op"])
    assert value["note"] == ""


def test_litert_times_operators_inside_and_outside_the_delegate(ask: Ask, tiny: Path) -> None:
    value = ask("per_op", "litert", model=str(tiny / "tflite-int8" / "model.tflite"), runs=3)
    kinds = {op["type"]: op["name"] for op in value["per_op"]}
    assert kinds["HARD_SWISH"] == "operator 1"
    assert kinds["Mean (ND) Reduce"].startswith("delegate operator")
