"""The page that ``gate_proof.py write`` makes: error rates with their Wilson intervals, nothing left out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.gate_simulation import interval

STATUSES = ("PASS", "FAIL", "INCONCLUSIVE", "INVALID", "NOT_COMPARABLE", "BROKEN_OFF")
TARGET_FALSE, TARGET_CAUGHT = 0.01, 0.95
BUSY = 2.5
"""Load in the median above which the page says that the machine was busy."""
UPGRADES = 100
"""Gates of one version in two environments that are aimed for."""
GUARDED = ("neighbour", "neighbour-seldom", "neighbour-none")
"""Cases in which the guards are on."""
SAME = ("aa", "aa-onnx")
"""Cases in which a FAIL is a false alarm, on a machine that nobody disturbs on purpose."""


def summary(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The real gates by case, and the A/A ones together."""
    cases = {}
    for name in dict.fromkeys(line["case"] for line in lines):
        mine = [line for line in lines if line["case"] == name]
        cases[name] = counted(mine)
    same = [line for line in lines if line["case"] in SAME]
    return {"cases": cases, "aa": counted(same), "machine": machine(lines)}


def counted(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Statuses, the interval of the share of FAIL, and what was measured."""
    fails = sum(line["status"] == "FAIL" for line in lines)
    ratios = [line["looks"][-1]["ratio"] for line in lines if line["looks"]]
    return {
        "gates": len(lines),
        "statuses": {status: sum(line["status"] == status for line in lines) for status in STATUSES},
        "fail_interval": interval(fails, len(lines)),
        "median_change": statistics.median(ratios) - 1 if ratios else None,
        "mean_pairs": statistics.fmean(len(line["log_ratios"]) for line in lines) if lines else None,
    }


def machine(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Where and when the real gates ran, and how busy it was."""
    loads = [load for line in lines for load in line["load_1m"] if load is not None]
    sides = [abs(value) for line in lines if line["case"] in SAME for value in line["log_ratios"]]
    return {
        "cpu": sorted({line["cpu"] for line in lines if line["cpu"]}),
        "first": min((line["started_at"] for line in lines), default=None),
        "last": max((line["started_at"] for line in lines), default=None),
        "load_median": statistics.median(loads) if loads else None,
        "load_most": max(loads, default=None),
        "aa_pair_median_abs_change": math.expm1(statistics.median(sides)) if sides else None,
    }


def page(simulation: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], says: Mapping[str, str]) -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION, *real_part(lines, says), *simulated_part(simulation["gates"]), *family_part(simulation)]
    return "\n".join([*parts, "", AGAIN])


def share(count: int, of: int) -> str:
    """A share and its Wilson interval."""
    low, high = interval(count, of)
    return f"{count / of:.2%} ({low:.2%} to {high:.2%})"


def real_part(lines: Sequence[Mapping[str, Any]], says: Mapping[str, str]) -> list[str]:
    """The section about real runs."""
    if not lines:
        return ["## Real runs", "", "None yet."]
    found = summary(lines)
    where, same = found["machine"], found["aa"]
    busy = (
        f"The machine was **shared and busy**: load {where['load_median']:.1f} in the median, {where['load_most']:.1f} "
        "at most, on two cores. A quiet device gives better figures."
        if where["load_median"] > BUSY
        else f"Load {where['load_median']:.1f} in the median, {where['load_most']:.1f} at most."
    )
    told = (
        f"{len(lines)} gates on {', '.join(where['cpu'])}, {where['first'][:16]} to {where['last'][:16]} UTC. {busy} "
        f"The median A/A pair was off by {where['aa_pair_median_abs_change']:.1%}. Launches are short (0.1 to 0.3 s) "
        f"and guards drop pairs only in the cases {', '.join(f'`{name}`' for name in GUARDED)}."
    )
    out = [
        "## Real runs",
        "",
        told,
        "",
        f"- A/A, both runtimes: {same['statuses']['FAIL']} false alarms in {same['gates']} gates, "
        f"{share(same['statuses']['FAIL'], same['gates'])}; target at most {TARGET_FALSE:.0%}. "
        + ("" if same["gates"] >= 200 else f"**Fewer than the 200 gates aimed for ({same['gates']}): run it on.**"),
    ]
    five = found["cases"].get("busy-5")
    if five:
        out.append(
            f"- A busy loop of 5 %: {five['statuses']['FAIL']} of {five['gates']} caught, "
            f"{share(five['statuses']['FAIL'], five['gates'])}; target at least {TARGET_CAUGHT:.0%} on a quiet device."
        )
    out += [
        "",
        "| case | candidate | gates | PASS | FAIL | INCONCLUSIVE | INVALID | others | FAIL, 95 % | change | pairs |",
    ]
    out.append("|---|---|---|---|---|---|---|---|---|---|---|")
    for name, case in found["cases"].items():
        counts = case["statuses"]
        others = counts["NOT_COMPARABLE"] + counts["BROKEN_OFF"]
        low, high = case["fail_interval"]
        change = "-" if case["median_change"] is None else f"{case['median_change']:+.1%}"
        out.append(
            f"| {name} | {says[name]} | {case['gates']} | {counts['PASS']} | {counts['FAIL']} | "
            f"{counts['INCONCLUSIVE']} | {counts['INVALID']} | {others} | {low:.0%} to {high:.0%} | {change} | "
            f"{case['mean_pairs']:.1f} |"
        )
    out += disturbed_part(lines)
    upgrade = found["cases"].get("aa-upgrade")
    if upgrade:
        fails = upgrade["statuses"]["FAIL"]
        told = (
            f"The gate of a runtime's upgrade, one version in two environments: {fails} false alarms in "
            f"{upgrade['gates']} gates, {share(fails, upgrade['gates'])}; the outputs were identical."
        )
        if upgrade["gates"] < UPGRADES:
            told += f" **Fewer than the {UPGRADES} gates aimed for: run it on.**"
        out += ["", told]
    fewer = found["cases"].get("thread-fewer")
    if fewer and fewer["median_change"] < 0:
        out += ["", FEWER]
    out += ["", WHERE, ""]
    return out


def disturbed_part(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether a PASS came from pairs beside a neighbour: what the sides of its pairs waited for a CPU."""
    watched = [line for line in lines if line["case"] in GUARDED]
    passed = [line for line in watched if line["status"] == "PASS"]
    if not watched:
        return []
    near = [line for line in watched if line["case"] == "neighbour"]
    largest = max((abs(math.expm1(value)) for line in passed for value in line["log_ratios"]), default=0.0)
    again = sum(line["dropped"] for line in passed)
    quiet = sum(line["status"] == "PASS" for line in near)
    said = (
        f"Beside a neighbour that comes and goes, {quiet} of {len(near)} gates "
        "passed with the guards on; before the gate knew who waited, 9 of 13 did, on disturbed pairs. Of all gates "
        f"with the guards on {len(passed)} of {len(watched)} passed, after {again} disturbed pairs had been measured "
        "again; the others say by what they were disturbed (this machine was never quiet). The largest change within "
        f"a pair that counted towards a PASS was {largest:.0%}: others who use caches and memory from another core "
        "make nobody wait, and only the trimmed mean deals with them."
    )
    return ["", said]


def simulated_part(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The section about simulated gates."""
    gates = rows[0]["gates"]
    out = [
        "## Simulation",
        "",
        f"{gates:,} gates for each noise, slowdown and tolerance. FAIL share at a true slowdown of:",
        "",
    ]
    for title, usual in (("Default rule", True), ("Tolerance of zero, as in the literature", False)):
        mine = [row for row in rows if (row["tolerance"] > 0) == usual]
        out += [
            f"### {title}",
            "",
            "| noise | tolerance, delta | 0 (A/A), 95 % | +1 % | +2 % | +3 % | +5 % | +10 % | pairs |",
        ]
        out.append("|---|---|---|---|---|---|---|---|---|")
        for name in dict.fromkeys(row["noise"] for row in mine):
            by = {row["effect"]: row for row in mine if row["noise"] == name}
            nothing = by[0.0]
            rates = " | ".join(f"{by[e]['fail'] / gates:.1%}" for e in (0.01, 0.02, 0.03, 0.05, 0.10))
            out.append(
                f"| {name} | {nothing['tolerance']:.0%}, {nothing['delta']:.0%} | {share(nothing['fail'], gates)} | "
                f"{rates} | {nothing['mean_pairs']:.1f} |"
            )
        out.append("")
    inconclusive = [row for row in rows if row["effect"] == 0 and row["tolerance"] > 0]
    words = ", ".join(f"{row['noise']} {row['inconclusive'] / gates:.0%}" for row in inconclusive)
    out += [f"A/A gates that end INCONCLUSIVE under the default rule: {words}.", "", "What the noises are:", ""]
    out += [f"- {row['noise']}: {row['says']}" for row in inconclusive]
    missed = [row for row in rows if row["effect"] == row["delta"] and row["tolerance"] > 0]
    words = ", ".join(f"{row['noise']} {row['pass'] / gates:.1%}" for row in missed)
    out += ["", f"The other promise, PASS at a true slowdown of delta (nominal 2.5 %): {words}.", ""]
    return out


def family_part(simulation: Mapping[str, Any]) -> list[str]:
    """The section about several gates in a run."""
    rows = simulation["families"]
    what = (
        f"{rows[0]['runs']:,} runs of {rows[0]['family']} gates; share of runs with any FAIL. Nominal 2.5 % at a true "
        "slowdown of exactly the tolerance, the hardest case."
    )
    out = [
        "## Several gates in one run",
        "",
        what,
        "",
        "| noise | nothing is slower | all are slower by the tolerance |",
        "|---|---|---|",
    ]
    for name in dict.fromkeys(row["noise"] for row in rows):
        none, at = (row for row in rows if row["noise"] == name)
        out.append(f"| {name} | {share(none['any_fail'], none['runs'])} | {share(at['any_fail'], at['runs'])} |")
    worst = max((row for row in rows if row["effect"] > 0), key=lambda row: row["any_fail"])
    if worst["any_fail_interval"][0] > 0.025:
        out += ["", f"With the noise “{worst['noise']}” {BOLD}"]
    return out


INTRODUCTION = """# The gate's own proof

How often `edgekit gate` fails an artifact that is not slower, and how often it catches one that is. The rule and its
reasons are on [their own page](../explanation/gate.md). `python -m benchmarks.gate_proof write` makes this page;
intervals are 95 % Wilson intervals.
"""
FEWER = """`thread-fewer` was *faster* in every gate: other programs used both cores, and two threads probably wait for
each other then. So there was no slowdown to catch; an idle machine has yet to show that the gate catches this one."""
WHERE = """`change` is the median over the gates of the measured ratio. Every gate with its log ratios, sentinels and
loads is in `benchmarks/results/gate/real.jsonl`, the figures are in `real.json` beside it."""
BOLD = """the rate at the tolerance is above its nominal value: Yuen's t is an
approximation, and fails slightly too often with eight pairs and the small level that a run of many gates needs."""
AGAIN = """## Again

```sh
edgekit export mobilenet_v1_0.25 --format tflite -o artifacts
edgekit export shufflenet_v1_g3_0.25 --format onnx -o artifacts
python -m benchmarks.gate_proof simulate
python -m benchmarks.gate_proof real artifacts --case aa=200 --case aa-onnx=40 --case busy-5=40 --case neighbour=13 \\
    --case aa-upgrade=100
python -m benchmarks.gate_proof write
```

`real` appends to `benchmarks/results/gate/real.jsonl` and goes on where it stopped. `--seconds 100` ends it after that
time, `--cpu 1` pins it to one core, and `--nice -10` raises its priority above other programs.
"""
