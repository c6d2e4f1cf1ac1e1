"""What ``edgekit export`` makes of a card, kept by the content of edgekit itself, and what a conversion costs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from edgekit.base.files import write_atomic
from edgekit.base.owned import MANIFEST
from edgekit.base.processes.isolate import run_named
from edgekit.base.progress import Event, Step
from edgekit.base.target import host_target
from edgekit.catalog import PROFILES, find_card, find_profile, folders
from edgekit.errors import ToolError
from edgekit.types import Artifact, Format, ModelCard, Precision

from . import plain
from .exports import EXPORT_S, PACKAGE, PRECISIONS, Made, child_env, digest
from .plain_exports import plain_key, run_plain

COST_ROUNDS = 3


def edgekit_key(card: ModelCard) -> str:
    """Digest of everything that decides what edgekit's exports of a card hold."""
    tools = sorted({name for names in plain.TOOLS.values() for name in names})
    words = [card.model_dump_json(), host_target(), *(f"{name} {metadata.version(name)}" for name in tools)]
    sources = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.toml")]
    profiles = [path for folder in folders(PROFILES) for path in folder.rglob("*.toml")]
    return digest([*sorted(sources), *sorted(profiles)], words)


def edgekit_folder(card: ModelCard, cache: Path) -> Path:
    """Where edgekit's exports of a card are kept."""
    return cache / "edgekit" / edgekit_key(card) / card.id


def edgekit_exports(card: ModelCard, formats: tuple[Format, ...], cache: Path) -> None:
    """Export a card with ``edgekit.verbs.export`` in the formats that are missing, fp32 and int8.

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
        return run_named(
            "benchmarks.edgekit_exports:export_child",
            {"model": card.id, "profiles": profiles, "out": str(out)},
            EXPORT_S * len(profiles),
            f"exporting {card.id}",
            log,
            {**child_env(), "EDGEKIT_CACHE": empty},
        )


def export_child(request: dict[str, Any]) -> dict[str, Any]:
    """Export in this process's children and account for their CPU time; also what every layer costs.

    Request: ``model``, ``profiles``, ``out``.
    """
    from edgekit.artifacts.prepare import ExportOptions
    from edgekit.base.processes.warm import cold
    from edgekit.verbs.export import export
    from edgekit.verbs.networks.layers import layer_rows

    heard: dict[Event, float] = {}
    profiles = [find_profile(name) for name in request["profiles"]]
    with cold():  # as the plain path, every conversion pays for its imports
        outcomes = export(
            [request["model"]],
            profiles,
            ExportOptions(out=Path(request["out"])),
            lambda event: heard.update({event: plain.cpu_seconds()}),
        )
    rows, _ = layer_rows(find_card(request["model"]))
    return {
        # By the profile that was asked for: an int8 export may come out as the float one.
        "outcomes": {
            asked: {
                "status": outcome.status,
                "error": "" if outcome.error is None else str(outcome.error),
                "folder": None if outcome.folder is None else outcome.folder.name,
                # Why another profile was taken than was asked for, where an export does that.
                "note": outcome.note,
                "cpu_seconds": conversion_cpu(heard, f"{outcome.model} {outcome.profile}"),
            }
            for asked, outcome in zip(request["profiles"], outcomes, strict=True)
        },
        "layers": [[row.name, row.macs, row.memory_access] for row in rows],
    }


def conversion_cpu(heard: Mapping[Event, float], label: str) -> float | None:
    """CPU seconds between the steps before and after a conversion; None where they were not told."""
    begin, end = heard.get(Step("converting", (label,))), heard.get(Step("verifying", (label,)))
    return None if begin is None or end is None else end - begin


def edgekit_export(card: ModelCard, format_: Format, precision: Precision, cache: Path) -> Made:
    """Edgekit's artifact from the cache, or why there is none."""
    folder = edgekit_folder(card, cache)
    profile = f"{format_}-{precision}"
    result, failed = folder / f"{profile}.json", folder / f"{profile}.failed.json"
    if not result.is_file():
        error = json.loads(failed.read_text()) if failed.is_file() else {"status": "not exported", "error": ""}
        return Made(None, f"{error['status']}: {error['error']}".removesuffix(": "), {})
    recorded = json.loads(result.read_text())
    place = folder / recorded["folder"]
    artifact = Artifact.model_validate_json((place / MANIFEST).read_text())
    audit, (parity, _) = artifact.audit, artifact.proof
    facts = {
        "profile": artifact.profile,
        "cpu_seconds": recorded["cpu_seconds"],
        "layers": recorded["layers"],
        "weights_sha256": artifact.weights.sha256,
        "tools": artifact.tool_versions,
        "sqnr_db": parity.sqnr_db,
        "image_sqnr_db": parity.image_sqnr_db,
        "cosine_min": parity.cosine_min,
        "transposes": audit.transposes,
        "executed_ops": sum(audit.executed.values()),
        "partitions": audit.delegate_partitions,
        "delegated_share": audit.delegated_share,
        "size_bytes": artifact.size_bytes,
        "rewrites": {rewrite.name: rewrite.count for rewrite in artifact.rewrites},
        "notes": [note for note in (recorded["note"], *artifact.notes) if note],
        "int8_compute_ops": audit.int8_compute_ops,
        "float_compute_ops": audit.float_compute_ops,
    }
    return Made(place / artifact.model_file, "", facts)


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
                cost["plain"].append(run_plain({**request, "folder": name}, what)["cpu_seconds"])
                answer = export_in_child(card, [profile], folder / "out", folder / "log.txt")
                spent = answer["outcomes"][profile]["cpu_seconds"]
                if spent is None:
                    raise ToolError(f"edgekit's export of {card.id} to {profile} did not tell when it converted")
                cost["edgekit"].append(spent)
        write_atomic(file, json.dumps(cost) + "\n")
    return dict(json.loads(file.read_text()))
