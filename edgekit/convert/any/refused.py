"""What a converter or runtime says of an operator that it lacks, in one line: which one, and where the code has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import SHOWN, UsageError
from ...types import Format

if TYPE_CHECKING:
    import torch

CONVERTERS: dict[Format, str] = {"onnx": "torch.onnx", "tflite": "litert-torch", "openvino": "OpenVINO"}
RUNTIMES: dict[Format, str] = {"onnx": "ONNX Runtime", "tflite": "LiteRT", "openvino": "OpenVINO"}
HINT = "write that part with other operators, leave it to the app, or name another --format"
MISSING = (
    r"No ONNX function found for <OpOverload\(op='([\w.]+)'",
    r"Lowering not found: ([\w.]+)",
    r"No conversion rule found for operations: ([\w.]+)",
    r"Conversion is failed for: ([\w.]+)",
)
"""What converters say of an operator that they do not know, or not in this use."""
ILLEGAL = r"failed to legalize operation '(?:\w+\.)?(\w+)'"
PASSES = r"Failed to run converter passes: (?:.*?: )?error: (?:loc\(.*\): )?(.+)"
STACK_LINE = r"(?:^|\s)(/[^:\n]*?\.py):(\d+):\d+: error"
EXECUTING = r"While executing %\w+ : .*?target=torch\.ops\.([\w.]+)\]"
UNKNOWN_CODE = r"Didn't find op for builtin opcode '(\w+)'"
UNPREPARED = r"([^:\n]*?)\s*Node number \d+ \((\w+)\) failed to prepare"
UNIMPLEMENTED = r"Could not find an implementation for (\w+)\(\d+\) node with name '([^']*)'"


@dataclass(frozen=True)
class Refusal:
    """An operator, and what is said of it."""

    operator: str
    words: str


def converter_refusal(said: str, format_: Format) -> Refusal | None:
    """What a converter's error says of an operator; None where it says nothing of any."""
    who = CONVERTERS[format_]
    for pattern in MISSING:
        if match := re.search(pattern, said):
            name = match[1].removesuffix(".default").rstrip(".")
            return Refusal(name, f"{who} cannot convert {name}")
    if match := re.search(ILLEGAL, said):
        return Refusal(match[1], f"{who} cannot convert {match[1]} of these sizes{place_of(said)}")
    if match := re.search(PASSES, said):
        return Refusal("", f"{who} fails on the network{place_of(said)}: {match[1][:SHOWN]}")
    if match := re.search(EXECUTING, said):
        name, cause = match[1].removesuffix(".default"), said.strip().splitlines()[0][:SHOWN]
        return Refusal(name, f"{who} cannot convert {name}: {cause}")
    return runtime_refusal(said, format_)  # some run what they have made


def place_of(said: str) -> str:
    """The line of code that a compiler names, in words; empty where it names none."""
    match = re.search(STACK_LINE, said)
    return "" if match is None else f" ({Path(match[1]).name}, line {match[2]})"


def runtime_refusal(said: str, format_: Format) -> Refusal | None:
    """What a runtime's error about a file says of an operator; None where it says nothing of any."""
    who = RUNTIMES[format_]
    if match := re.search(UNKNOWN_CODE, said):
        return Refusal(match[1], f"{who} has no operator {match[1]}, which the converter wrote")
    if match := re.search(UNIMPLEMENTED, said):
        return Refusal(match[1], f"{who} has no {match[1]} for the types that node {match[2]!r} gets")
    if match := re.search(UNPREPARED, said):
        why = match[1].rpartition("/kernels/")[2].strip()
        return Refusal(match[2], f"{who} cannot run a {match[2]} as the converter wrote it: {why or 'it says no more'}")
    return None


def refused(refusal: Refusal, program: torch.export.ExportedProgram | None) -> UsageError:
    """The error for an operator, with the line of the user's code where the traced program knows it."""
    where = "" if program is None else line_of(program, refusal.operator)
    words, colon, cause = refusal.words.partition(": ")
    return UsageError(f"{words}{f' ({where})' if where else ''}{colon}{cause}", HINT)


def line_of(program: torch.export.ExportedProgram, operator: str) -> str:
    """The last line of the user's own code that led to an operator; empty where that is not known."""
    for node in program.graph.nodes:
        if node.op != "call_function" or not f"{node.target}.".startswith(f"{operator}."):
            continue
        frames = re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or "")
        own = [(name, line) for name, line in frames if "site-packages" not in name]
        if own:
            return f"{Path(own[-1][0]).name}, line {own[-1][1]}"
    return ""
