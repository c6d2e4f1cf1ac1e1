"""Exchange two paths in one step, if the kernel and the file system can do that."""

from __future__ import annotations

import errno
import os
from pathlib import Path

AT_FDCWD = -100
RENAME_EXCHANGE = 2
CANNOT = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)
"""An old kernel; a file system without it (NFS, some of FUSE); a sandbox that knows no such call."""


def exchange(first: Path, second: Path) -> bool:
    """Let two paths of one file system change places: nobody ever sees either of them missing.

    Returns:
        False where this system or file system cannot do it; nothing has happened then.

    Raises:
        OSError: any other refusal; ``FileNotFoundError`` when one of them is missing.
    """
    import ctypes  # only a folder that is replaced needs it

    if os.name != "posix":  # Windows has no library that holds the process's own symbols
        return False
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    if call(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(second))
