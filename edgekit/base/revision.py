"""Which commit of the project was measured, as far as the git program can tell.

A repository's own configuration can name programs that git starts as it looks at the files. One that somebody else
made, as an archive that was unpacked, must start none, so the keys that do are overridden.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from ..types import Revision

TIMEOUT_S = 10.0
NEVER = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}")
"""What a look at the files needs in no repository."""
STARTS = re.compile(r"filter\..+\.(clean|process|required)", re.DOTALL | re.IGNORECASE)
"""Keys whose values git starts when it compares a file; those of the user's own configuration stay."""


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
    safe = overrides(Path(top))
    if safe is None:
        return None
    # Into a submodule git would not take the overrides of its own keys along.
    look = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty", "--", ":/", *left_out)
    changed = git(Path(top), *safe, *look)
    return None if changed is None else Revision(commit=commit, dirty=bool(changed))


def overrides(top: Path) -> list[str] | None:
    """Options of git that empty what the repository itself would let it start; None when they cannot be told."""
    listed = git(top, "config", "--list", "--includes", "--show-scope", "--name-only", "-z")
    if listed is None:
        return None
    words = listed.split("\0")
    own = dict.fromkeys(
        key for scope, key in zip(words[::2], words[1::2], strict=False) if scope in ("local", "worktree")
    )
    return [word for key in own if STARTS.fullmatch(key) for word in ("-c", f"{key}=")]


def git(folder: Path, *arguments: str) -> str | None:
    """The output of git in ``folder``, or None when it fails; the index is not touched."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *(w for one in NEVER for w in ("-c", one)), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
