"""The files that a gate writes, and what it tells GitHub."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..show.console import command

if TYPE_CHECKING:
    from ...types import CountGate, GateResult


@contextmanager
def told_in_pages(junit: Path | None, markdown: Path | None) -> Iterator[None]:
    """A block whose error goes into the requested files too: otherwise the files of an earlier run would stay there."""
    from ...base.files import check_place
    from ...errors import EdgekitError

    try:
        for path, option in ((junit, "--junit"), (markdown, "--markdown")):
            if path is not None:
                check_place(path, option)
        yield
    except EdgekitError as error:
        from ...base.files import write_atomic
        from ...reports.gate.junit import refused_junit
        from ...reports.gate.markdown import refused_markdown

        for page, text in ((junit, refused_junit(error)), (markdown, refused_markdown(error))):
            if page is not None:
                with suppress(EdgekitError):  # a file that cannot be written is itself the error
                    write_atomic(page, text)
        raise


def write_pages(
    results: Sequence[GateResult] | Sequence[CountGate], page: str, junit: Path | None, markdown: Path | None
) -> None:
    """Write the requested files; ``page`` is the Markdown."""
    from ...base.files import write_atomic
    from ...reports.gate.junit import gate_junit

    if junit is not None:
        write_atomic(junit, gate_junit(results), "--junit")
    if markdown is not None:
        write_atomic(markdown, page, "--markdown")


def announce(results: Sequence[GateResult] | Sequence[CountGate], page: str) -> None:
    """On GitHub: annotations, on stderr because stdout is for JSON, and the step's summary."""
    from ...reports.gate.github import workflow_commands

    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in workflow_commands(results):
            command(line)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as stream:
            stream.write(page)
