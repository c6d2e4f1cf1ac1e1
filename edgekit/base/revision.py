"""Which commit of the project was measured, as far as the git program can tell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ..types import Revision

TIMEOUT_S = 10.0


def revision(folder: Path, besides: Path | None = None) -> Revision | None:
    """The commit of the work tree around ``folder``; None without git, outside a work tree or before its first commit.

    Args:
        folder: anywhere in the work tree.
        besides: a folder whose changes do not count: measuring itself changes the reports.
    """
    top, commit = git(folder, "rev-parse", "--show-toplevel"), git(folder, "rev-parse", "--verify", "HEAD")
    if top is None or commit is None:
        return None
    left_out = []
    if besides is not None and besides.resolve().is_relative_to(top) and besides.resolve() != Path(top):
        left_out = [f":(exclude){besides.resolve()}"]
    changed = git(Path(top), "status", "--porcelain", "--untracked-files=no", "--", ":/", *left_out)
    return None if changed is None else Revision(commit=commit, dirty=bool(changed))


def git(folder: Path, *arguments: str) -> str | None:
    """The output of git in ``folder``, or None when it fails; the index is not touched."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
