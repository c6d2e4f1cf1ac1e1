"""What the tests of ``edgekit export`` share."""

from __future__ import annotations

from pathlib import Path

from edgekit.catalog import MODELS, builtin_folder

CARD = (builtin_folder(MODELS) / "squeezenet_1.1.toml").read_text()


def refused(done, code: int, cause: str, step: str) -> None:
    """One line for the cause, one for the next step (a long list is wrapped), the exit code, a silent stdout."""
    assert done.returncode == code, (done.returncode, done.stderr)
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith("error: ")
    assert cause in lines[0], done.stderr
    assert len(lines) >= 2, done.stderr
    assert lines[1].startswith("  try: ")
    assert all(line.startswith("       ") for line in lines[2:]), done.stderr
    assert step in lines[1], done.stderr


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
