"""docs/gpu.md: the zoo on LiteRT's GPU accelerator, in words and one table."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def page(found: dict[str, Any]) -> str:
    """The page of what ``benchmarks.gpu_share`` found."""
    rows: list[Row] = found["rows"]
    adapters = sorted({row["adapter"] for row in rows if row["adapter"]})
    played = any(row["emulated"] for row in rows)
    lines = [
        "# The zoo on a GPU",
        "",
        f"Made by `python -m benchmarks.gpu_share` with LiteRT {found['litert']} on {' and '.join(adapters)}"
        + (
            ", a CPU that plays a GPU through Vulkan: what the accelerator takes and what it computes is real, a time "
            "would mean nothing, so none is told."
            if played
            else "."
        )
        + " Every family's default network, float32, computed in float32 on the GPU, one photo. *Before* is what "
        "litert-torch exports, *after* is `edgekit export --format tflite --target mobile-gpu`. The error is the "
        "largest difference to PyTorch's outputs, and the largest output.",
        "",
        "| network | | form | operators on the GPU | partitions | error of | stays on the CPU |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [line(row) for row in rows]
    return "\n".join([*lines, "", blocked(rows), ""])


def line(row: Row) -> str:
    """One row of the table."""
    when = "before" if row["kind"] == "plain" else "after"
    head = f"| `{row['model']}` | {when} | {row['form']} | "
    if row["error"]:
        return head + f"none of {row['ops']} | - | - | {row['error']} |"
    left = row["ops"] - row["gpu_ops"]
    named = [f"{word} ({row['kinds'][word]})" for word in blocking(row)]
    why = f"{left}: {', '.join(named)}, and what it leaves apart" if left else "nothing"
    share = f"{row['gpu_ops']} of {row['ops']} ({row['gpu_ops'] / row['ops']:.1%})"
    return head + f"{share} | {row['partitions']} | {row['max_abs']:.1e} of {row['output_max']:.1e} | {why} |"


def blocking(row: Row) -> list[str]:
    """The operator types that the accelerator names as not supported."""
    return [
        word for word in dict.fromkeys(reason.partition(":")[0] for reason in row["reasons"]) if word in row["kinds"]
    ]


def blocked(rows: list[Row]) -> str:
    """Which operators keep networks from the GPU, and how the forms fare, in sentences."""
    words = sorted({word for row in rows for word in blocking(row)})
    parts = []
    if words:
        parts.append(
            f"Operators that it does not take: {', '.join(words)}. It puts one piece of a network on the GPU, so a "
            "single such operator early on leaves nearly everything behind it to the CPU."
        )
    failed = [row for row in rows if row["error"]]
    if failed:
        names = ", ".join(f"`{row['model']}` ({'before' if row['kind'] == 'plain' else 'after'})" for row in failed)
        parts.append(f"It does not run {names}: an error of the agent, also where LiteRT itself reports success.")
    ours = [row for row in rows if row["kind"] == "edgekit"]
    whole = sum(row["gpu_ops"] == row["ops"] for row in ours)
    parts.append(f"In edgekit's form {whole} of {len(ours)} networks run on the GPU as a whole.")
    return " ".join(parts)
