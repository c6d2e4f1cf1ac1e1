"""Summaries of measurements, and how the index writes them down."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from ...base.stats import median_interval
from ...types import Device, DeviceInfo, Ground, Measurement, Revision, Summary, Verdict
from ..compared.comparable import ground
from ..index import PACKAGES, clock_jump_s
from ..store import digest


def summarised(m: Measurement) -> Summary:
    """What is kept of a measurement."""
    return Summary(
        digest=digest(m.to_plain()),
        device=m.device,
        info=m.info,
        emulated=m.emulated,
        model=m.model,
        profile=m.profile,
        format=m.format,
        precision=m.precision,
        io=m.io,
        runtime=m.runtime,
        runtime_version=m.runtime_version,
        accelerator=m.accelerator,
        threads=m.threads,
        cores=None if m.pinned is None else m.pinned.asked,
        on_cores=m.on_cores,
        batch=m.batch,
        settings=m.settings,
        artifact_sha256=m.artifact_sha256,
        artifact_bytes=m.artifact_bytes,
        weights_kind=m.weights_kind,
        weights_sha256=m.weights_sha256,
        classes=m.classes,
        parity_top1_agree=m.parity_top1_agree,
        parity_images=m.parity_images,
        samples=len(m.samples_ns),
        p50_ms=m.p50_ms,
        p90_ms=m.p90_ms,
        p99_ms=m.p99_ms,
        p50_interval_ns=median_interval(m.samples_ns),
        measured_at=m.measured_at,
        verdict=m.verdict,
        revision=m.revision,
        versions={name: m.versions[name] for name in PACKAGES[m.runtime] if name in m.versions},
        clock_jump_s=clock_jump_s(m),
        ground=ground(m),
    )


def written(one: Summary) -> str:
    """JSON of a summary: its fields in order; what many share is text within, so that it is read once."""
    fields: dict[str, Any] = {name: getattr(one, name) for name in FIELDS}
    fields["device"] = one.device.model_dump_json()
    fields["info"] = one.info.model_dump_json()
    fields["verdict"] = (one.verdict.name, one.verdict.reasons)
    fields["revision"] = None if one.revision is None else (one.revision.commit, one.revision.dirty)
    ground_of = one.ground
    fields["ground"] = json.dumps(
        (ground_of.emulated, ground_of.runtime, ground_of.conditions, ground_of.of_the_runtime)
    )
    return json.dumps(list(fields.values()), separators=(",", ":"))


def read_back(text: str) -> Summary:
    """The summary that :func:`written` wrote.

    Raises:
        ValueError: it did not write that.
    """
    try:
        fields = dict(zip(FIELDS, json.loads(text), strict=True))
        fields["device"], fields["info"] = device(fields["device"]), info(fields["info"])
        name, reasons = fields["verdict"]
        fields["verdict"] = verdict(name, tuple(reasons))
        fields["revision"] = fields["revision"] and revision(*fields["revision"])
        fields["p50_interval_ns"] = fields["p50_interval_ns"] and tuple(fields["p50_interval_ns"])
        fields["ground"] = read_ground(fields["ground"])
    except (TypeError, KeyError) as error:
        raise ValueError(str(error)) from error
    return Summary(**fields)


FIELDS = tuple(Summary.__dataclass_fields__)


@lru_cache(4096)
def device(text: str) -> Device:
    """A device; measurements share few of them."""
    return Device.model_validate_json(text)


@lru_cache(4096)
def info(text: str) -> DeviceInfo:
    """What a machine is."""
    return DeviceInfo.model_validate_json(text)


@lru_cache(4096)
def verdict(name: Any, reasons: tuple[str, ...]) -> Verdict:
    """A verdict."""
    return Verdict(name=name, reasons=reasons)


@lru_cache(4096)
def revision(commit: str, dirty: bool) -> Revision:
    """A commit."""
    return Revision(commit=commit, dirty=dirty)


@lru_cache(4096)
def read_ground(text: str) -> Ground:
    """What must agree, which most measurements of a device have in common."""
    emulated, runtime, conditions, of_the_runtime = json.loads(text)
    return Ground(emulated, runtime, tuple(map(tuple, conditions)), tuple(map(tuple, of_the_runtime)))
