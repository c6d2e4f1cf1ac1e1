"""``gate.toml``: tolerances by device and model.

::

    [default]
    tolerance = 0.01 # up to 1 % slower is accepted
    delta = 0.03                                  # 3 % slower must not go unnoticed
    [models."mobilenet_v3_large_1.0"]
    tolerance = 0.02
    [devices.rpi4]
    min_s = 2.0                                   # measure each side for at least this long
    [devices.rpi4.models."mobilenet_v3_large_1.0"]
    tolerance = 0.03
    [models."mobilenet_v2_1.0"]
    max_drop = 1.0                                # and int8 may cost one point of top-1
    max_size_mb = 4.0                                # and the file may have 4 MB

The most special table wins, key by key: device and model, device, model, default. The command line wins over all.
"""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from ..bench.session import Limits
from ..catalog import cards, load_toml
from ..errors import UsageError, did_you_mean
from ..types import Device, Frozen, GateRule
from .guards import Guards

DEFAULT_FILE = Path("gate.toml")
BOARD, PHONE = (0.01, 0.02), (0.02, 0.04)
"""Default tolerance, and what is added to any tolerance for delta: so 1 % and 3 %; phones repeat less, 2 % and 6 %."""
LIMITS = Limits(max_s=5.0)
"""Of one launch: as a measurement to be kept, but a noisy machine is given up sooner: more pairs tell more."""


LONGEST_S = 24 * 3600.0
SECONDS = {"warmup_s": "warmup_min_s", "min_s": "min_s", "max_s": "max_s"}
"""Keys of an entry and what ``Limits`` calls them."""


class Entry(Frozen):
    """What may be set for a device or model.

    Attributes:
        tolerance: slowdown that is accepted, as a share (0.01 is 1 %); FAIL needs proof of more. On a simulated board,
            whose counts hardly vary, the growth that is accepted: there only the tables of the board itself hold, else
            0.005.
        delta: slowdown that has to be found, as a share; PASS needs proof of less. Tolerance plus 0.02 (phones: 0.04)
            when only tolerance is given.
        warmup_s: warm-up of each launch, at least, seconds.
        min_s: how long each launch measures at least, seconds.
        max_s: how long each launch measures at most, seconds.
        sentinel: a pair is dropped when a fixed piece of work takes more than this many times its first run.
        max_drop: points of top-1 that the candidate may lose against its float network. Its evaluation, kept beside it
            by ``edgekit evaluate --against float``, must prove so: FAIL where it proves more. Where a runtime's upgrade
            is gated: that the new version may lose against the old one, on the images of ``--data``.
        max_size_mb: size that the candidate's model files may have, decimal MB.
        max_size_growth: share by which they may be larger than the baseline's; 0.02 is 2 %.
        min_delegated: share of its operators that the delegate must have taken when the candidate was exported.
        max_memory_mb: peak memory that the candidate's process may take on the device, decimal MB; measured in launches
            of its own. Simulated boards measure none.
        max_memory_growth: share by which that may be above the baseline's; 0.05 is 5 %.
        max_cold_start_ms: what loading and the first inference of the candidate may take in a fresh process,
            milliseconds: FAIL where the 95 % interval of the launches' median lies above, PASS where it lies below.
        max_instructions_m: millions of instructions that one inference may execute; on simulated boards, which count
            them.
        waited: a pair is dropped when the threads of a launch waited for a CPU for more than this share of its time:
            a neighbour was on the core. 0.05 when unset.
        uneven: a pair is dropped when the shares of the CPUs that other programs used during its two launches are
            farther apart than this. 0.20 when unset.
        load: a pair is dropped when more tasks than this are runnable on the device; when unset, more than it has cores
            beside our threads.
    """

    tolerance: float | None = Field(default=None, ge=0, lt=1)
    delta: float | None = Field(default=None, gt=0, lt=1)
    warmup_s: float | None = Field(default=None, gt=0, le=LONGEST_S)
    min_s: float | None = Field(default=None, gt=0, le=LONGEST_S)
    max_s: float | None = Field(default=None, gt=0, le=LONGEST_S)
    sentinel: float | None = Field(default=None, gt=1)
    max_drop: float | None = Field(default=None, ge=0, le=100)
    max_size_mb: float | None = Field(default=None, gt=0)
    max_size_growth: float | None = Field(default=None, ge=0)
    min_delegated: float | None = Field(default=None, ge=0, le=1)
    max_memory_mb: float | None = Field(default=None, gt=0)
    max_memory_growth: float | None = Field(default=None, ge=0)
    max_cold_start_ms: float | None = Field(default=None, gt=0)
    max_instructions_m: float | None = Field(default=None, gt=0)
    waited: float | None = Field(default=None, gt=0)
    uneven: float | None = Field(default=None, gt=0)
    load: float | None = Field(default=None, gt=0)


class DeviceEntry(Entry):
    """The table of a device, with tables for models on it."""

    models: dict[str, Entry] = Field(default_factory=dict)


class GateConfig(Frozen):
    """A whole ``gate.toml``.

    Attributes:
        default: what holds for every gate.
        models: what holds for a model, by its id.
        devices: what holds on a device, by its id; a table ``models`` inside holds for a model on that device.
    """

    default: Entry = Entry()
    models: dict[str, Entry] = Field(default_factory=dict)
    devices: dict[str, DeviceEntry] = Field(default_factory=dict)

    def lookup(self, device: str, model: str) -> dict[str, float]:
        """The keys that hold for a model on a device."""
        there = self.devices.get(device, DeviceEntry())
        found: dict[str, float] = {}
        for entry in (self.default, self.models.get(model), there, there.models.get(model)):
            plain = {} if entry is None else entry.model_dump(exclude_none=True, exclude={"models"})
            found.update(plain)
            if "tolerance" in plain and "delta" not in plain:
                found.pop("delta", None)  # a delta of a more general table was chosen for another tolerance
        return found

    def of_device(self, device: str, model: str) -> dict[str, float]:
        """The keys that the tables of a device set themselves, for a model."""
        return GateConfig(devices={device: self.devices.get(device, DeviceEntry())}).lookup(device, model)


def read_config(path: Path | None, models: set[str]) -> GateConfig:
    """The file of ``--config``, else ``gate.toml`` here, else nothing set.

    Args:
        path: what the command line names.
        models: models of this run, which need no card.

    Raises:
        UsageError: it cannot be read, has an unknown key, or names a model that nobody knows.
    """
    if path is None and not os.path.lexists(DEFAULT_FILE):
        return GateConfig()
    path = path or DEFAULT_FILE
    config = load_toml(path, GateConfig)
    named = {*config.models, *(model for entry in config.devices.values() for model in entry.models)}
    known = {*cards(), *models}
    for model in sorted(named - known):
        raise UsageError(f"{path}: unknown model {model!r}", did_you_mean(model, known))
    return config


def rule_for(
    config: GateConfig, device: Device, model: str, tolerance: float | None = None, delta: float | None = None
) -> tuple[GateRule, Limits, Guards]:
    """Rule, limits and guards of a model on a device; ``tolerance`` and ``delta`` are the command line's.

    Raises:
        UsageError: they do not go together.
    """
    found: dict[str, Any] = config.lookup(device.id, model)
    if tolerance is not None:
        found.pop("delta", None)
        found["tolerance"] = tolerance
    if delta is not None:
        found["delta"] = delta
    usual, margin = PHONE if device.transport == "adb" else BOARD
    found.setdefault("tolerance", usual)
    found.setdefault("delta", found["tolerance"] + margin)
    try:
        rule = GateRule(tolerance=found["tolerance"], delta=found["delta"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise UsageError(
            f"the gate of {model} on {device.id}: {where + ': ' if where else ''}{message}",
            "both are shares: 0.02 is 2 %; name a larger --delta or a smaller --tolerance",
        ) from error
    limits = replace(LIMITS, **{SECONDS[key]: found[key] for key in SECONDS if key in found})
    if limits.min_s > limits.max_s:
        raise UsageError(
            f"the gate of {model} on {device.id}: min_s ({limits.min_s:g}) is above max_s ({limits.max_s:g})",
            "raise max_s as well",
        )
    return rule, limits, Guards(**{one.name: found[one.name] for one in fields(Guards) if one.name in found})
