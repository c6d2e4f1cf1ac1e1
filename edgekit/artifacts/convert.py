"""One conversion, in a child process."""

from __future__ import annotations

from pathlib import Path

from ..base.processes.isolate import run_isolated
from ..forms.resolve import target_of
from ..types import ExportProfile
from .children import jobs
from .children.imports import conversion
from .prepare import MORE_TIME, Prepared
from .requests import ConvertRequest, Made


def convert(prepared: Prepared, profile: ExportProfile, folder: Path) -> Made:
    """Run the converter in a child process; the files go to ``folder``."""
    request = ConvertRequest(
        network=prepared.source,
        profile=profile,
        target=target_of(profile),
        pixels=prepared.calibration_file,
        folder=folder.resolve(),
    )
    what = f"converting {prepared.card.id} to {profile.name}"
    limit_s, imports = prepared.options.timeout_s, conversion(profile)
    return run_isolated(jobs.convert, request, limit_s, what, more_time=MORE_TIME, imports=imports)
