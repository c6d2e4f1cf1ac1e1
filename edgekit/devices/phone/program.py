"""The native benchmark of a phone, fetched once from the URL in its entry and kept under its digest."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
from pathlib import Path

from ...base.download import opener, read_bounded
from ...base.files import sha256_file, write_atomic
from ...base.folders import phone_programs_folder
from ...errors import ToolError

TIMEOUT_S = 60.0
LIMIT_BYTES = 200_000_000
"""More than any ``benchmark_model`` has: a wrong URL must not fill the memory."""


def fetched(url: str, sha256: str) -> Path:
    """The program of that digest, from the cache or else from ``url``; a changed file in the cache is fetched anew.

    Raises:
        ToolError: the source cannot be reached, ends too early, sends too much, or another file; nothing is kept.
    """
    path = phone_programs_folder() / sha256
    if path.is_file() and sha256_file(path) == sha256:
        return path
    content = download(url)
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise ToolError(
            f"the benchmark_model from {url} has sha256 {digest}, not {sha256}; it is not kept",
            "try again; if it stays so, the source has changed or benchmark_model_sha256 is wrong",
        )
    write_atomic(path, content)
    return path


def download(url: str) -> bytes:
    """All that ``url`` holds; see :func:`fetched`."""
    hint = "correct benchmark_model_url, or download it by hand and name the file: benchmark_model = PATH"
    try:
        with opener(files_too=url.startswith("file:")).open(url, timeout=TIMEOUT_S) as answer:
            content = read_bounded(answer, LIMIT_BYTES)
            promised = answer.headers.get("Content-Length")
    except urllib.error.HTTPError as error:
        error.close()
        raise ToolError(f"cannot fetch benchmark_model from {url}: {error}", hint) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ToolError(f"cannot fetch benchmark_model from {url}: {getattr(error, 'reason', error)}", hint) from error
    if len(content) > LIMIT_BYTES:
        raise ToolError(f"benchmark_model at {url} is larger than {LIMIT_BYTES / 1e6:g} MB", hint)
    if promised is not None and len(content) != int(promised):
        raise ToolError(f"benchmark_model from {url} was cut off: {len(content)} of {promised} bytes", "try again")
    return content
