"""The published JSON Schemas (draft 2020-12) of what edgekit writes."""

from __future__ import annotations

from typing import Any

from ..types import Artifact, Baseline, CountGate, Device, ExportProfile, Frozen, GateResult, ModelCard
from .counted.store import StoredCount
from .store import StoredMeasurement

DRAFT = "https://json-schema.org/draft/2020-12/schema"
KINDS: dict[str, tuple[type[Frozen], str]] = {
    "measurement": (StoredMeasurement, "device_reports/<device>/<key>.json and its history"),
    "artifact": (Artifact, "artifacts/<model>/<profile>/manifest.json"),
    "device": (Device, "the device of a measurement, and of devices.toml"),
    "model": (ModelCard, "models/<id>.toml"),
    "gate": (GateResult, "gate_results/<device>/<time>__<key>.json"),
    "baseline": (Baseline, "device_reports/<device>/<key>.baseline/baseline.json"),
    "counted": (StoredCount, "device_reports/<device>/counted/<key>.json"),
    "count-gate": (CountGate, "gate_results/<device>/<time>__<key>.json of a simulated board"),
    "profile": (ExportProfile, "export_profiles/<name>.toml"),
}
"""The type of each kind, and the files that hold it."""


def json_schema(kind: str) -> dict[str, Any]:
    """The schema of a kind of ``KINDS``; for measurements and manifests of the version that this edgekit writes."""
    type_, where = KINDS[kind]
    schema = type_.model_json_schema()
    version = schema["properties"].get("schema_version", {}).get("const")
    named = {} if version is None else {"$id": f"urn:edgekit:{kind}:{version}"}
    return {"$schema": DRAFT, **named, "$comment": where, **schema}
