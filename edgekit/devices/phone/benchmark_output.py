"""Parse the output of TFLite's and LiteRT's ``benchmark_model`` line by line, whatever a log puts before each line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ...errors import ToolError

NUMBER = r"[-+]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][-+]?[0-9]{1,2})?"
"""Bounded, so that each is a float and no search takes longer than its text is long."""
SUMMARY = re.compile(
    rf"Inference timings in us: Init: ({NUMBER}), First inference: ({NUMBER}), Warmup \(avg\): ({NUMBER}), "
    rf"Inference \(avg\): ({NUMBER})"
)
COUNT = re.compile(rf"\bcount=([0-9]{{1,9}})((?: [a-z0-9]+={NUMBER})+)")
DELEGATE = re.compile(
    r"Replacing ([0-9]{1,9}) out of ([0-9]{1,9}) node\(s\) with delegate \(([^)\n]{1,200})\) node"
    r"(?:, yielding ([0-9]{1,9}) part)?"
)
LITERT_MS = re.compile(rf"(Model initialization|Warmup \(first\)):\s+({NUMBER}) ms")
LITERT_GPU = re.compile(r"\b([0-9]{1,9}) operations will run on the GPU, and the remaining ([0-9]{1,9})")
PEAK = re.compile(rf"Overall peak memory footprint \(MB\) via periodic monitoring: ({NUMBER})")
UNTOUCHED = ("will not be executed by the delegate", "explicitly applied delegate is not")
OPERATORS = re.compile(r"Operator-wise Profiling Info|Profiling Info for (?!Benchmark Init)")
RUN_ORDER = re.compile(r"(?<!=)=+ Run Order =+")


@dataclass(frozen=True)
class Statistics:
    """One ``count=`` line: of the warm-up, or of the inferences; microseconds.

    Attributes:
        values: by the printed name: first, curr, min, max, avg, std, and in newer versions p5, median, p95.
    """

    count: int
    values: dict[str, float]

    def samples(self) -> tuple[float, ...] | None:
        """Every single time, which only up to two inferences reveal: the least and the most; None for more."""
        if "curr" in self.values and "min" not in self.values:  # printed so when all are the same
            return (self.values["curr"],) * self.count
        if self.count == 2 and {"min", "max"} <= self.values.keys():
            pair = self.values["min"], self.values["max"]
            # In the order in which they were taken, where the first is told.
            return pair[::-1] if self.values.get("first") == pair[1] else pair
        return None


@dataclass(frozen=True)
class Delegated:
    """What a delegate took: the number of nodes, their total, and the number of partitions (None when not printed)."""

    name: str
    nodes: int
    total: int
    partitions: int | None = None


@dataclass(frozen=True)
class Output:
    """The figures of one launch; times in microseconds, memory in bytes.

    Attributes:
        delegated: in the order printed; a later delegate gets what an earlier one left.
        operators: name, type and time of each, in run order; empty without ``--enable_op_profiling``.
    """

    init_us: float
    first_us: float
    warmup: Statistics | None
    inference: Statistics
    delegated: tuple[Delegated, ...] = ()
    peak_bytes: int | None = None
    operators: tuple[tuple[str, str, float], ...] = field(default=())
    refusals: tuple[str, ...] = ()


def parse_output(text: str) -> Output:
    """The figures in what a launch printed.

    Raises:
        ToolError: there is no summary in it; the message has its last lines.
    """
    summary = SUMMARY.search(text)
    counts = [statistics_of(found) for found in COUNT.finditer(text)]
    litert = {name: float(ms) * 1000 for name, ms in LITERT_MS.findall(text)}
    if (summary is None and len(litert) < 2) or not counts or counts[-1].count < 1:
        last = " | ".join(line.strip() for line in text.splitlines()[-4:] if line.strip())[-400:]
        raise ToolError(f"benchmark_model printed no timings: {last or 'nothing at all'}",
                        "run it by hand on the device, and see what it says")  # fmt: skip
    if summary is not None:
        init, first = float(summary[1]), float(summary[2])
    else:
        init, first = litert["Model initialization"], litert["Warmup (first)"]
    peak = PEAK.search(text)
    return Output(
        init_us=init,
        first_us=first,
        warmup=counts[-2] if len(counts) > 1 else None,
        inference=counts[-1],
        delegated=tuple(delegates(text)),
        peak_bytes=int(float(peak[1]) * 1e6) if peak and 0 < float(peak[1]) < 1e9 else None,
        operators=tuple(operators(text)),
        refusals=tuple(line.strip() for line in text.splitlines() if is_refusal(line)),
    )


def is_refusal(line: str) -> bool:
    """True for a line that says that a delegate takes no part."""
    return any(words in line for words in UNTOUCHED) or "fail" in line.partition("GPU delegate ")[2]


def statistics_of(found: re.Match[str]) -> Statistics:
    """A ``count=`` line."""
    pairs = (word.partition("=") for word in found[2].split())
    return Statistics(int(found[1]), {name: float(value) for name, _, value in pairs})


def delegates(text: str) -> list[Delegated]:
    """What the delegates reported to have taken."""
    found = [
        Delegated(name, int(nodes), int(total), int(parts) if parts else None)
        for nodes, total, name, parts in DELEGATE.findall(text)
    ]
    return found + [Delegated("LiteRT GPU", int(gpu), int(gpu) + int(cpu)) for gpu, cpu in LITERT_GPU.findall(text)]


def operators(text: str) -> list[tuple[str, str, float]]:
    """The rows of the operators' ``Run Order`` table: name, type, microseconds; the column ``avg ms``."""
    begin = OPERATORS.search(text)
    table = RUN_ORDER.search(text, begin.end()) if begin else None
    if table is None:
        return []
    lines = text[table.end() :].splitlines()[1:]
    if not lines:
        return []
    titles = [title.strip(" []") for title in lines[0].split("\t") if title.strip()]
    if not {"node type", "avg ms", "Name"} <= set(titles):
        return []
    kind, time, name = (titles.index(title) for title in ("node type", "avg ms", "Name"))
    rows = []
    for line in lines[1:]:
        cells = [cell.strip() for cell in line.split("\t") if cell.strip()]
        if len(cells) != len(titles):
            break
        if not re.fullmatch(NUMBER, cells[time]):
            break
        rows.append((cells[name], cells[kind], float(cells[time]) * 1000))
    return rows
