"""The artifacts to compare, plain and edgekit's, made once and kept by content.

``CACHE/plain/<model>/<format>-<precision>-<key>/`` holds a plain export, ``CACHE/edgekit/<key>/<model>/<profile>/``
what ``edgekit export`` made. The key of a plain export covers the network's code, its weights' seed, the card, the
photos, the tools' versions and ``plain.py``; that of edgekit's covers all of edgekit. So a change of a pass makes only
edgekit's side again.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import edgekit
from edgekit.bench.launch import call_agent
from edgekit.catalog import PROFILES, builtin_folder, find_card, find_profile
from edgekit.errors import EdgekitError, ToolError
from edgekit.files import staged_folder, write_atomic
from edgekit.isolate import run_isolated
from edgekit.pixels import from_output, load_pixels, to_input
from edgekit.target import host_target
from edgekit.types import RUNTIME_OF, Artifact, Format, ModelCard, Precision, QuantParams, TensorSpec
from edgekit.verify.audit import TRANSPOSE
from edgekit.verify.parity import cosines, sqnr_db
from edgekit.workflows.artifacts import MANIFEST

from . import plain

PACKAGE = Path(edgekit.__file__).parent
ROOT = Path(__file__).resolve().parent.parent
RESULT = "export.json"
EXPORT_S = 1800.0
AGENT_S = 300.0
COST_ROUNDS = 3
FORMATS: tuple[Format, ...] = tuple(RUNTIME_OF)
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")


@dataclass(frozen=True)
class Made:
    """One artifact, plain or edgekit's, or why there is none.

    Attributes:
        model_file: what a runtime opens; None when the export failed.
        error: why it failed, in words; empty otherwise.
        facts: what is told of it: size_bytes, sqnr_db, transposes, partitions, delegated_share, cpu_seconds, …
    """

    model_file: Path | None
    error: str
    facts: dict[str, Any]


# Plain ---------------------------------------------------------------------------------------------------------------


def plain_export(card: ModelCard, format_: Format, precision: Precision, cache: Path) -> Made:
    """The plain export, from the cache or made now in a child process; a failure is an answer, and tried again."""
    folder = cache / "plain" / card.id / f"{format_}-{precision}-{plain_key(card, format_, precision)}"
    if not (folder / RESULT).is_file():
        try:
            with staged_folder(folder) as staging:
                facts = make_plain(card, format_, precision, staging)
                write_atomic(staging / RESULT, json.dumps(facts, indent=1) + "\n")
        except EdgekitError as error:
            return Made(None, str(error), {})
    facts = json.loads((folder / RESULT).read_text())
    return Made(folder / plain.FILES[format_], "", facts)


def plain_key(card: ModelCard, format_: Format, precision: Precision) -> str:
    """Digest of everything that decides what a plain export holds."""
    sources = [Path(plain.__file__), PACKAGE / "zoo" / "registry.py", *closure(PACKAGE / "zoo" / f"{card.family}.py")]
    photos = sorted(p for p in (PACKAGE / "calibration_photos").iterdir() if p.is_file())
    words = [card.model_dump_json(), format_, precision, host_target(), json.dumps(plain.tool_versions(format_))]
    return digest([*sources, *photos], words)


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


def digest(files: Iterable[Path], words: Iterable[str]) -> str:
    """The first digits of the SHA-256 of the files' names and contents and of the words."""
    total = hashlib.sha256()
    for path in files:
        total.update(f"{path.name}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    for word in words:
        total.update(f"{word}\0".encode())
    return total.hexdigest()[:12]


def make_plain(card: ModelCard, format_: Format, precision: Precision, folder: Path) -> dict[str, Any]:
    """Export plainly into ``folder``, run it on the photos and look at what the runtime makes of it.

    Raises:
        ToolError: the library or the runtime failed.
    """
    what = f"the plain export of {card.id} to {format_} {precision}"
    request = {"model": card.id, "format": format_, "precision": precision, "target": host_target()}
    made = run_isolated(
        "benchmarks.plain:make", {**request, "folder": str(folder)}, EXPORT_S, what, folder / "log.txt", child_env()
    )
    agent = {"runtime": RUNTIME_OF[format_], "model": str(folder / plain.FILES[format_]), "threads": 1}
    seen = call_agent({**agent, "command": "inspect"}, AGENT_S, f"inspecting {what}")
    specs = [
        tensor_spec(seen[end][0], card, "NC" if end == "outputs" else "NHWC" if format_ == "tflite" else "NCHW")
        for end in ("inputs", "outputs")
    ]
    given, taken = folder / "inputs.npy", folder / "outputs.npy"
    np.save(given, to_input(load_pixels(None, card.preprocessing)[0], specs[0]))
    run = {**agent, "command": "run", "inputs": str(given), "outputs": str(taken)}
    call_agent(run, AGENT_S, f"running {what}")
    given.unlink()
    parity = agreement(np.load(folder / "reference.npy"), from_output(np.load(taken), specs[1]))
    files = [path for path in folder.glob("model.*") if path.suffix in (".onnx", ".tflite", ".xml", ".bin")]
    return {**made, **parity, **layout_facts(seen), "size_bytes": sum(path.stat().st_size for path in files)}


def child_env() -> dict[str, str]:
    """What lets a child process find this package."""
    inherited = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": str(ROOT) + (os.pathsep + inherited if inherited else "")}


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


# edgekit -------------------------------------------------------------------------------------------------------------


def edgekit_key(card: ModelCard) -> str:
    """Digest of everything that decides what edgekit's exports of a card hold."""
    tools = sorted({name for names in plain.TOOLS.values() for name in names})
    words = [card.model_dump_json(), host_target(), *(f"{name} {metadata.version(name)}" for name in tools)]
    sources = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.toml"), *builtin_folder(PROFILES).glob("*.toml")]
    return digest([*sorted(sources), Path(__file__)], words)


def edgekit_folder(card: ModelCard, cache: Path) -> Path:
    """Where edgekit's exports of a card are kept."""
    return cache / "edgekit" / edgekit_key(card) / card.id


def edgekit_exports(card: ModelCard, formats: tuple[Format, ...], cache: Path) -> None:
    """Export a card with ``edgekit.workflows.export`` in the formats that are missing, fp32 and int8.

    Raises:
        EdgekitError: the network cannot be built.
    """
    folder = edgekit_folder(card, cache)
    missing = [
        f"{format_}-{precision}"
        for format_ in formats
        for precision in PRECISIONS
        if not (folder / f"{format_}-{precision}.json").is_file()
    ]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    answer = export_in_child(card, missing, folder.parent, folder / "log.txt")
    for profile, outcome in answer["outcomes"].items():
        # A failure is not kept: a killed or starved run must not count for ever.
        if outcome["status"] == "converted":
            write_atomic(folder / f"{profile}.json", json.dumps({**outcome, "layers": answer["layers"]}) + "\n")
        else:
            write_atomic(folder / f"{profile}.failed.json", json.dumps(outcome) + "\n")


def export_in_child(card: ModelCard, profiles: list[str], out: Path, log: Path) -> dict[str, Any]:
    """Export a card; see :func:`export_child`. Whatever edgekit keeps between exports starts empty: no work is saved.

    Raises:
        EdgekitError: the network cannot be built.
    """
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as empty:
        return run_isolated(
            "benchmarks.exports:export_child",
            {"model": card.id, "profiles": profiles, "out": str(out)},
            EXPORT_S * len(profiles),
            f"exporting {card.id}",
            log,
            {**child_env(), "XDG_CACHE_HOME": empty},
        )


def conversion_cost(card: ModelCard, format_: Format, precision: Precision, cache: Path) -> dict[str, list[float]]:
    """CPU seconds of both paths' conversions, run in turn, so that the machine treats them alike; kept by content.

    Raises:
        EdgekitError: one of them failed.
    """
    profile = f"{format_}-{precision}"
    file = edgekit_folder(card, cache) / f"cost-{profile}-{plain_key(card, format_, precision)}.json"
    if not file.is_file():
        cost: dict[str, list[float]] = {"plain": [], "edgekit": []}
        for _ in range(COST_ROUNDS):
            with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as name:
                folder = Path(name)
                request = {"model": card.id, "format": format_, "precision": precision, "target": host_target()}
                what = f"the plain export of {card.id} to {profile}"
                made = run_isolated(
                    "benchmarks.plain:make", {**request, "folder": name}, EXPORT_S, what, folder / "log", child_env()
                )
                cost["plain"].append(made["cpu_seconds"])
                answer = export_in_child(card, [profile], folder / "out", folder / "log2")
                spent = answer["outcomes"][profile]["cpu_seconds"]
                if spent is None:
                    raise ToolError(f"edgekit's export of {card.id} to {profile} did not tell when it converted")
                cost["edgekit"].append(spent)
        write_atomic(file, json.dumps(cost) + "\n")
    return dict(json.loads(file.read_text()))


def export_child(request: dict[str, Any]) -> dict[str, Any]:
    """Export in this process's children and account for their CPU time; also what every layer costs.

    Request: ``model``, ``profiles``, ``out``.
    """
    from edgekit.workflows.complexity import layer_rows
    from edgekit.workflows.export import export
    from edgekit.workflows.prepare import ExportOptions

    heard: list[tuple[str, float]] = []
    profiles = [find_profile(name) for name in request["profiles"]]
    outcomes = export(
        [request["model"]],
        profiles,
        ExportOptions(out=Path(request["out"])),
        lambda text: heard.append((text, plain.cpu_seconds())),
    )
    rows, _ = layer_rows(find_card(request["model"]))
    return {
        "outcomes": {
            outcome.profile: {
                "status": outcome.status,
                "error": "" if outcome.error is None else str(outcome.error),
                "cpu_seconds": conversion_cpu(heard, f"{outcome.model} {outcome.profile}"),
            }
            for outcome in outcomes
        },
        "layers": [[row.name, row.macs, row.memory_access] for row in rows],
    }


def conversion_cpu(heard: list[tuple[str, float]], label: str) -> float | None:
    """CPU seconds between what ``export`` says before and after a conversion; None when it does not say so."""
    at = dict(heard)
    begin, end = at.get(f"{label}: converting"), at.get(f"{label}: verifying")
    return None if begin is None or end is None else end - begin


def edgekit_export(card: ModelCard, format_: Format, precision: Precision, cache: Path) -> Made:
    """Edgekit's artifact from the cache, or why there is none."""
    folder = edgekit_folder(card, cache)
    profile = f"{format_}-{precision}"
    result, failed = folder / f"{profile}.json", folder / f"{profile}.failed.json"
    if not result.is_file():
        error = json.loads(failed.read_text()) if failed.is_file() else {"status": "not exported", "error": ""}
        return Made(None, f"{error['status']}: {error['error']}".removesuffix(": "), {})
    artifact = Artifact.model_validate_json((folder / profile / MANIFEST).read_text())
    recorded = json.loads(result.read_text())
    audit = artifact.audit
    facts = {
        "cpu_seconds": recorded["cpu_seconds"],
        "layers": recorded["layers"],
        "weights_sha256": artifact.weights.sha256,
        "tools": artifact.tool_versions,
        "sqnr_db": artifact.parity.sqnr_db,
        "image_sqnr_db": artifact.parity.image_sqnr_db,
        "cosine_min": artifact.parity.cosine_min,
        "transposes": audit.transposes,
        "executed_ops": sum(audit.executed.values()),
        "partitions": audit.delegate_partitions,
        "delegated_share": audit.delegated_share,
        "size_bytes": artifact.size_bytes,
        "rewrites": {rewrite.name: rewrite.count for rewrite in artifact.rewrites},
        "notes": list(artifact.notes),
        "int8_compute_ops": audit.int8_compute_ops,
        "float_compute_ops": audit.float_compute_ops,
    }
    return Made(folder / profile / artifact.model_file, "", facts)
