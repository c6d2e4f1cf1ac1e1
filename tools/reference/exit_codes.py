"""docs/reference/exit-codes.md: from the errors and the outcomes of the gate."""

from __future__ import annotations

from edgekit.base.processes.signals import INTERRUPTED
from edgekit.errors import EdgekitError
from edgekit.types.gates import EXIT_CODES, WORST_FIRST

from .text import page, summary, table

ALSO_ONE = """Code 1 also says that a limit is not kept: a gate that ends with FAIL, `edgekit pick` when nothing
keeps the limits, `edgekit index --check` when it finds a fault, and `edgekit tune --require-speedup`
when int8 is not faster."""


def exit_codes_page() -> str:
    """Each code with its one meaning, and what the gate's outcomes are among them."""
    rows = [("0", "", "Done: everything that was asked for is there and passed its checks.")]
    rows += sorted((str(kind.exit_code), kind.__name__, summary(kind)) for kind in EdgekitError.__subclasses__())
    rows += [(str(INTERRUPTED), "", "Stopped by Ctrl-C."), ("141", "", "The reader of a pipe went away.")]
    gate = table(("outcome", "exit code"), [(f"`{status}`", str(EXIT_CODES[status])) for status in WORST_FIRST])
    return page(
        "Exit codes",
        "A code has the same meaning for every verb.",
        table(("code", "error", "meaning"), rows),
        ALSO_ONE,
        "## Outcomes of the gate",
        f"Of several gates in one run, the outcome that stands first in this table decides.\n\n{gate}",
    )
