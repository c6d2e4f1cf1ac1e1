"""Where and how a table was measured, and how busy the machine was meanwhile."""

from __future__ import annotations

import statistics

from .cells import table
from .figures import Results


def conditions(results: Results) -> str:
    """Where and how it was measured."""
    seen = results["conditions"]
    ceilings = seen["ceilings"]
    peaks = ", ".join(
        f"{precision} {ceilings['macs_per_s'][precision] / 1e9:.1f} GMAC/s ({ceilings['sources'][precision]})"
        for precision in ("fp32", "int8")
        if precision in ceilings["macs_per_s"]
    )
    widths = ", ".join(
        f"{row['bytes_per_s'] / 1e9:.0f} GB/s at {row['footprint_bytes'] >> 10} KB" for row in ceilings["bandwidth"]
    )
    return table(
        ("condition", "value"),
        [
            ("machine", f"{seen['cpu']}, {seen['cores']} cores, target class {seen['target']}"),
            ("system", f"{seen['system']}, governor {seen['governor'] or 'not told'}"),
            ("runtimes", ", ".join(f"{name} {version}" for name, version in seen["versions"].items())),
            ("threads, batch", f"{seen['threads']}, 1"),
            ("load (1 min) before each launch", load_words(results)),
            ("rounds", rounds_words(results)),
            (f"peaks of {ceilings['threads']} thread(s)", peaks),
            ("bandwidth", f"measured copy: {widths}"),
            ("date, commit", f"{seen['date']}, {seen['commit']}"),
        ],
    )


def loads(results: Results) -> list[float]:
    """The run-queue length before every launch, sorted."""
    seen = [launch["load_1m"] for r in results["rounds"] for launch in r["launches"].values()]
    return sorted(load for load in seen if load is not None)


def load_words(results: Results) -> str:
    """The run-queue length over all launches."""
    seen = loads(results)
    return f"median {statistics.median(seen):.1f}, highest {seen[-1]:.1f}" if seen else "not told"


def busy(results: Results) -> str:
    """A warning when others used the machine meanwhile; a launch itself adds up to 1."""
    seen, cores = loads(results), results["conditions"]["cores"]
    if not seen or statistics.median(seen) <= cores:
        return ""
    return (
        f"**The machine was busy: {statistics.median(seen):.1f} runnable tasks on {cores} cores. Milliseconds are too "
        "long and intervals wide; do not quote these figures.**"
    )


def rounds_words(results: Results) -> str:
    """How many rounds the networks had."""
    counts = [
        sum((r["model"], r["format"]) == (entry["model"], entry["format"]) for r in results["rounds"])
        for entry in results["networks"]
    ]
    span = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    return f"{span} of each network and runtime"
