"""What ``import edgekit`` offers beyond building and exporting: the verbs with plain arguments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from ..reports.compared.compare import Comparison
from ..types import GateResult, Measurement, Stored
from ..verify.sets_of_inputs import Shapes
from .compare import compare as compared
from .gate import gate as gated
from .gate import plan
from .profile import profile as profiled
from .verify import Verified
from .verify import verify as verified

Named = str | Path | Stored


def word(name: Named) -> str:
    """What a verb takes for it."""
    return str(name.folder if isinstance(name, Stored) else name)


def verify_file(file: Named, against: Named, data: str | Path | None, shapes: Shapes | None) -> Verified:
    """See :func:`edgekit.verify_file`."""
    return verified(word(file), word(against), None if data is None else str(data), shapes=shapes)


def profile(
    name: Named,
    device: str,
    *,
    threads: int,
    per_op: bool,
    streams: Sequence[int],
    reports: Path,
    shapes: Shapes | None,
) -> list[Measurement]:
    """See :func:`edgekit.profile`."""
    outcome = profiled(
        [word(name)], device, threads=[threads], per_op=per_op, streams=streams, reports_root=reports, shapes=shapes
    )
    outcome.raise_failures()
    return outcome.measurements


def compare(a: Named, b: Named, device: str, *, pairs: int, threads: int, shapes: Shapes | None) -> Comparison:
    """See :func:`edgekit.compare`."""
    return compared(word(a), word(b), device, pairs=pairs, threads=threads, shapes=shapes)


def run_gate(
    candidate: Named,
    baseline: Named,
    device: str,
    *,
    threads: int,
    tolerance: float | None,
    results: Path,
    shapes: Shapes | None,
) -> GateResult:
    """See :func:`edgekit.run_gate`."""
    planned = plan(
        [word(candidate)], [device], baseline=Path(word(baseline)), threads=threads, tolerance=tolerance, shapes=shapes
    )
    if len(planned) != 1:
        names = ", ".join(one.key for one in planned)
        raise UsageError(f"{word(candidate)} means {len(planned)} artifacts: {names}", "name one of them")
    (result,) = gated(planned, results_root=results)
    return result
