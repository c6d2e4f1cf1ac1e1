"""The native benchmark of a phone, fetched once from the URL in its entry and kept under its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...base.fetched.download import opener, read_whole
from ...base.files import sha256_file, write_atomic
from ...base.folders import phone_programs_folder
from ...errors import ToolError

LIMIT_BYTES = 200_000_000
"""More bytes than any ``benchmark_model`` has: a wrong URL must not fill the memory."""
HINT = "correct benchmark_model_url, or download it by hand and name the file: benchmark_model = PATH"


def fetched(url: str, sha256: str) -> Path:
    """The program of that digest, from the cache or else from ``url``; a changed file in the cache is fetched anew.

    Raises:
        ToolError: the source cannot be reached, ends too early, sends too much, or another file; nothing is kept.
    """
    path = phone_programs_folder() / sha256
    if path.is_file() and sha256_file(path) == sha256:
        return path
    # The entry is the user's own, and may name a file.
    way = opener(files_too=url.startswith("file:"))
    content = read_whole(way, url, LIMIT_BYTES, "benchmark_model from", HINT)
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise ToolError(
            f"the benchmark_model from {url} has sha256 {digest}, not {sha256}; it is not kept",
            "try again; if it stays so, the source has changed or benchmark_model_sha256 is wrong",
        )
    write_atomic(path, content)
    return path
