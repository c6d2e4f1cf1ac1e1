"""Plain exports, made in processes of their own and kept by content, with what is to be told of them."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.base.files import staged_folder, write_atomic
from edgekit.base.images.pixels import from_output, load_pixels, to_input
from edgekit.base.processes.interpreter import python_module
from edgekit.base.processes.isolate import describe_exit, tail
from edgekit.base.target import host_target
from edgekit.bench.launch import call_agent
from edgekit.errors import EdgekitError, ToolError
from edgekit.types import RUNTIME_OF, Format, ModelCard, Precision, QuantParams, TargetClass, TensorSpec
from edgekit.verify.audit import TRANSPOSE
from edgekit.verify.parity import cosines, sqnr_db

from . import plain
from .exports import EXPORT_S, PACKAGE, Made, child_env, digest

RESULT = "export.json"
AGENT_S = 300.0


def plain_export(
    card: ModelCard,
    format_: Format,
    precision: Precision,
    cache: Path,
    unsigned: bool = False,
    target: TargetClass | None = None,
) -> Made:
    """The plain export, from the cache or made now in a child process; a failure is an answer, and tried again.

    ``unsigned`` gives ONNX int8 unsigned activations instead of the library's default; ``target`` is the class of CPU
    that it is for, this machine's where there is none.
    """
    kind = f"{format_}-{precision}" + ("-unsigned" if unsigned else "")
    folder = cache / "plain" / card.id / f"{kind}-{plain_key(card, format_, precision, target)}"
    if not (folder / RESULT).is_file():
        try:
            with staged_folder(folder) as staging:
                facts = make_plain(card, format_, precision, staging, unsigned, target=target)
                write_atomic(staging / RESULT, json.dumps(facts, indent=1) + "\n")
        except EdgekitError as error:
            return Made(None, str(error), {})
    facts = json.loads((folder / RESULT).read_text())
    return Made(folder / plain.FILES[format_], "", facts)


def plain_key(card: ModelCard, format_: Format, precision: Precision, target: TargetClass | None = None) -> str:
    """Digest of everything that decides what a plain export holds."""
    sources = [Path(plain.__file__), *closure(PACKAGE / "zoo" / f"{card.family}.py")]
    photos = sorted(p for p in (PACKAGE / "calibration_photos").iterdir() if p.is_file())
    tools = json.dumps(plain.tool_versions(format_))
    words = [card.model_dump_json(), format_, precision, target or host_target(), tools]
    return digest([*sources, *photos], [*words, *weights_code()])


def closure(module: Path) -> list[Path]:
    """A module and those beside it that it imports, directly or not, in a fixed order."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                names = [node.module] if node.module else [alias.name for alias in node.names]
                waiting += [path.with_name(f"{name}.py") for name in names]
    return sorted(found)


def weights_code() -> list[str]:
    """What random weights come from, without comments: the seed and the functions of the registry that use it.

    Should it miss something, the weights' digests differ, and the benchmark refuses to compare.
    """
    nodes: dict[str, ast.stmt] = {}
    for node in ast.parse((PACKAGE / "zoo" / "registry.py").read_text()).body:
        if isinstance(node, ast.FunctionDef):
            nodes[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            nodes[node.targets[0].id] = node
    constants = ("DEFAULT_SEED", "BN_BIAS_STD", "WIDER_BIAS")
    functions = ("randomise_biases", "calibrate_batch_norm", "random_network")
    return [ast.dump(nodes[name]) for name in (*constants, *functions)]


def make_plain(
    card: ModelCard,
    format_: Format,
    precision: Precision,
    folder: Path,
    unsigned: bool = False,
    weights: Path | None = None,
    photos: Path | None = None,
    target: TargetClass | None = None,
) -> dict[str, Any]:
    """Export plainly into ``folder``, run it on the photos and look at what the runtime makes of it.

    ``weights`` and ``photos`` take the place of random ones and of edgekit's own; edgekit's calibrate all the same.

    Raises:
        ToolError: the library or the runtime failed.
    """
    what = f"the plain export of {card.id} to {format_} {precision}"
    request = {"model": card.id, "format": format_, "precision": precision, "target": target or host_target()}
    if weights is not None:
        request["weights"] = str(weights)
    if photos is not None:
        request["photos"] = str(photos)
    made = run_plain({**request, "unsigned": unsigned, "folder": str(folder)}, what)
    agent = {"runtime": RUNTIME_OF[format_], "model": str(folder / plain.FILES[format_]), "threads": 1}
    seen = call_agent({**agent, "command": "inspect"}, AGENT_S, f"inspecting {what}")
    specs = [
        tensor_spec(seen[end][0], card, "NC" if end == "outputs" else "NHWC" if format_ == "tflite" else "NCHW")
        for end in ("inputs", "outputs")
    ]
    given, taken = folder / "inputs.npy", folder / "outputs.npy"
    np.save(given, to_input(load_pixels(request.get("photos"), card.preprocessing)[0], specs[0]))
    run = {**agent, "command": "run", "inputs": str(given), "outputs": str(taken)}
    call_agent(run, AGENT_S, f"running {what}")
    given.unlink()
    parity = agreement(np.load(folder / "reference.npy"), from_output(np.load(taken), specs[1]))
    files = [path for path in folder.glob("model.*") if path.suffix in (".onnx", ".tflite", ".xml", ".bin")]
    return {**made, **parity, **layout_facts(seen), "size_bytes": sum(path.stat().st_size for path in files)}


def run_plain(request: dict[str, Any], what: str) -> dict[str, Any]:
    """Have :func:`benchmarks.plain.make` run in a process whose environment is the caller's own.

    Not by ``run_isolated``: whatever edgekit does for the processes of its exports is no part of the plain path.

    Raises:
        ToolError: it failed, crashed or ran out of time; the message holds the end of what it printed.
    """
    folder = Path(request["folder"])
    asked, answered, log = folder / "request.json", folder / "answer.json", folder / "log.txt"
    asked.write_text(json.dumps(request))
    words = ("benchmarks.plain:make", str(asked), str(answered), str(os.getpid()))
    with log.open("wb") as stream:
        child = subprocess.Popen(
            python_module("edgekit.base.processes.isolate", *words),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **child_env()},
            start_new_session=True,
        )
        code: int | None = None
        try:
            code = child.wait(timeout=EXPORT_S)
        except subprocess.TimeoutExpired:
            pass  # the code stays None, which says so
        finally:
            with suppress(ProcessLookupError):  # the whole group has ended already
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if not answered.is_file():
        raise ToolError(f"{what} {describe_exit(code, EXPORT_S)}\n{tail(log)}".rstrip())
    answer = json.loads(answered.read_text())
    asked.unlink()
    answered.unlink()
    if answer["failed"] is not None:
        raise ToolError(f"{what}: {answer['failed']['kind']}: {answer['failed']['message']}")
    return dict(answer["value"])


def tensor_spec(seen: dict[str, Any], card: ModelCard, layout: str) -> TensorSpec:
    """The agent's account of an end of a model as edgekit's type."""
    quantized = seen["scale"] is not None
    return TensorSpec.from_plain(
        {
            "name": seen["name"],
            "shape": seen["shape"],
            "layout": layout,
            "dtype": seen["dtype"],
            "quantization": QuantParams(scale=seen["scale"], zero_point=seen["zero_point"]).to_plain()
            if quantized
            else None,
            "preprocessing": None if layout == "NC" else card.preprocessing.to_plain(),
        }
    )


def agreement(reference: np.ndarray[Any, Any], outputs: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Parity of a plain export, by the measures of edgekit's own.

    Raises:
        ToolError: the outputs cannot be compared.
    """
    if outputs.shape != reference.shape or not np.isfinite(outputs).all():
        raise ToolError(f"outputs {list(outputs.shape)} for a reference of {list(reference.shape)}, or not finite")
    exact, given = reference.astype(np.float64), outputs.astype(np.float64)
    return {
        "sqnr_db": sqnr_db(exact, given),
        "image_sqnr_db": sqnr_db(exact, given, shared=exact.mean(0)),
        "cosine_min": float(cosines(exact, given).min()),
        "top1_agree": int((exact.argmax(1) == given.argmax(1)).sum()),
    }


def layout_facts(seen: dict[str, Any]) -> dict[str, Any]:
    """Executed transposes, and how much the CPU delegate took, counted as edgekit's audit counts."""
    delegate = seen["delegate"]
    return {
        "transposes": sum(node["type"] in TRANSPOSE for node in seen["executed"]),
        "executed_ops": len(seen["executed"]),
        "partitions": None if delegate is None else delegate["partitions"],
        "delegated_share": None if delegate is None else delegate["delegated"] / len(seen["nodes"]),
    }
