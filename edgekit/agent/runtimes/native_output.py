"""Capture the output of native code."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import List


class said_meanwhile:  # noqa: N801 - used like a function
    """The output of native code on stdout and stderr inside the block, as a list of one text; also printed if
    ``aloud``.
    """

    def __init__(self, aloud: bool = True) -> None:
        self.aloud = aloud

    def __enter__(self) -> List[str]:
        sys.stdout.flush()
        sys.stderr.flush()
        self.kept = [os.dup(1), os.dup(2)]
        self.file = tempfile.TemporaryFile()
        for number in (1, 2):
            os.dup2(self.file.fileno(), number)
        self.said: List[str] = []
        return self.said

    def __exit__(self, *_: object) -> None:
        for number, kept in zip((1, 2), self.kept):  # noqa: B905
            os.dup2(kept, number)
            os.close(kept)
        self.file.seek(0)
        text = self.file.read()
        self.file.close()
        if self.aloud:
            os.write(2, text)
        self.said.append(text.decode(errors="replace"))
