"""One conversion, in a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..isolate import run_isolated
from ..types import ExportProfile, TargetClass
from .forms import target_of
from .prepare import CHILD, MORE_TIME, Prepared


def convert(prepared: Prepared, profile: ExportProfile, folder: Path) -> dict[str, Any]:
    """Run the converter in a child process; its answer, with the resolved target added."""
    target = target_of(profile)
    answer = run_isolated(
        f"{CHILD}:convert",
        {
            **network_request(prepared, profile, target),
            "pixels": str(prepared.work / "calibration.npy"),
            "folder": str(folder.resolve()),
        },
        prepared.options.timeout_s,
        f"converting {prepared.card.id} to {profile.name}",
        more_time=MORE_TIME,
    )
    return {**answer, "target": target}


def network_request(prepared: Prepared, profile: ExportProfile, target: TargetClass) -> dict[str, Any]:
    """What a child needs to build the network that an artifact is converted from."""
    return {
        "card": prepared.card.to_plain(),
        "profile": profile.to_plain(),
        "target": target,
        "num_classes": prepared.options.num_classes,
        "state": str(prepared.work / "state.pt"),
        "layout": prepared.provenance.layout,
    }
