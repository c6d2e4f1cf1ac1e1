"""The command ``memory``."""

from __future__ import annotations

import importlib
import re
import sys
from typing import Optional, Tuple

from ..inputs import set_inputs
from ..protocol import Json
from ..reading import read_text
from ..runtimes.choose import load_model, make_runtime


def peak_memory() -> Tuple[Optional[int], str]:
    """The process's highest resident size so far, bytes, and where that comes from."""
    found = re.search(r"^VmHWM:\s*(\d+) kB", read_text("/proc/self/status") or "", re.MULTILINE)
    if found:
        return int(found.group(1)) * 1024, "VmHWM"
    # ru_maxrss may hold the size of the process that started us, so it comes second.
    try:
        import resource
    except ImportError:
        return None, "unavailable"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024), "ru_maxrss"


def memory(request: Json) -> Json:
    """``memory``: peak resident size with the runtime imported, and after loading and a few inferences, bytes."""
    runtime = make_runtime(request)
    importlib.import_module("numpy")  # random inputs need it; it is not the model's memory

    baseline, source = peak_memory()
    load_model(runtime, request)
    set_inputs(runtime, request)
    for _ in range(5):
        runtime.run()
    return {"baseline_rss_bytes": baseline, "peak_rss_bytes": peak_memory()[0], "source": source}
