"""The words that other tools have for edgekit's commands and options: who types one is told ours."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

PRECISION = ("--int8", "--fp16", "--dynamic-range")
OPTIONS = {
    **dict.fromkeys(("--precision", "--quantize", "--quantization", "--dtype", "--int4", "--fp32"), PRECISION),
    **dict.fromkeys(("--half", "--float16"), ("--fp16",)),
    **dict.fromkeys(("--dynamic", "--weight-only"), ("--dynamic-range",)),
    **dict.fromkeys(("--output", "--output-dir", "--out-dir", "--outdir"), ("--out",)),
    **dict.fromkeys(("--imgsz", "--image-size", "--img-size", "--size"), ("--input-size",)),
    **dict.fromkeys(("--shape", "--input-shape", "--input-shapes"), ("--input",)),
    **dict.fromkeys(("--checkpoint", "--ckpt", "--pretrained", "--state-dict"), ("--weights",)),
    **dict.fromkeys(("--calibration-data", "--representative-dataset", "--data"), ("--calibration",)),
    **dict.fromkeys(("--dataset", "--images", "--val-data"), ("--data", "--calibration")),
    **dict.fromkeys(("--classes", "--nc"), ("--num-classes",)),
    **dict.fromkeys(("--batch-size", "--bs"), ("--batch",)),
    **dict.fromkeys(("--num-threads", "--nthreads", "--cpu-threads"), ("--threads",)),
    **dict.fromkeys(("--target", "--board", "--host"), ("--device",)),
    **dict.fromkeys(("--threshold", "--max-regression"), ("--tolerance", "--delta")),
}
COMMANDS = {
    **dict.fromkeys(("convert", "quantize", "compile", "build"), "export"),
    **dict.fromkeys(("benchmark", "bench", "measure", "time", "run", "latency"), "profile"),
    **dict.fromkeys(("eval", "accuracy", "val"), "evaluate"),
    **dict.fromkeys(("list", "ls"), "models list"),
    **dict.fromkeys(("info", "summary", "show"), "inspect"),
    "diff": "compare",
    "check": "verify",
    **dict.fromkeys(("optimize", "autotune"), "tune"),
    "prune": "condense",
}


def ours(option: str, has: frozenset[str]) -> tuple[str, ...]:
    """The options of a command that stand for another tool's; none where it has none of them."""
    return tuple(one for one in OPTIONS.get(option, ()) if one in has)


class WordyGroup(TyperGroup):
    """A group of commands that knows what other tools call them."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As Typer does it; the error of an unknown command names ours."""
        try:
            return super().resolve_command(ctx, args)
        except Exception as error:
            # Typer carries a Click of its own, whose errors have no public name.
            if hasattr(error, "message") and args and args[0] in COMMANDS:
                error.message = f"No such command {args[0]!r}: it is edgekit {COMMANDS[args[0]]}."
            raise
