"""Devices, and one look at one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from .base import Frozen, Name
from .urls import checked_url

Kilohertz = Annotated[int, Field(ge=0, le=10**9)]
LAST_SECOND = 32503679999
"""Of the year 2999, Unix time, the last year of a measurement: later dates have no other zone, or are none."""


class Device(Frozen):
    """Where to measure: this machine, a board behind SSH, a phone behind adb, an emulated one, or a simulated one.

    On a simulated board instructions are counted, nothing is timed.

    Attributes:
        id: names the device and the folder of its reports.
        transport: how it is reached.
        plugin: with ``transport = "plugin"``, the name of the installed transport, an entry point.
        address: host name, IP address or Host alias of the SSH config; of a phone its serial number, or host:port;
            None for this machine, emulated and simulated devices.
        user, port: what the SSH config says when None; a phone has neither.
        python: interpreter there that has the runtimes; when None ``python3``, on this machine the one of edgekit.
        benchmark_model: file here of TFLite's or LiteRT's native benchmark for a phone that has no Python.
        benchmark_model_url: where that program is fetched from instead, once: https, file, or http on this machine.
        benchmark_model_sha256: digest of what is fetched, 64 hexadecimal digits.
        board: id of its facts in ``boards.toml``.
        tags: words to choose devices by.
        labgrid: place of a labgrid coordinator that is acquired first; its NetworkService may tell the address.
        coordinator: ``host:port``; what labgrid's ``LG_COORDINATOR`` says when None.
        wait_s: how long to wait for a place that others hold.
    """

    id: Name
    transport: Literal["local", "ssh", "adb", "virtual", "simulated", "plugin"]
    plugin: str | None = Field(default=None, min_length=1)
    # Never an option of ssh: nothing begins with a dash.
    address: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_:\[][A-Za-z0-9._:%\[\]-]*$")
    user: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")
    port: int | None = Field(default=None, ge=1, le=65535)
    python: str | None = Field(default=None, min_length=1)
    benchmark_model: str | None = Field(default=None, min_length=1)
    benchmark_model_url: str | None = Field(
        default=None, pattern=r"^(https://|file:///|http://(127\.0\.0\.1|localhost)[:/])[^\s]+$"
    )
    benchmark_model_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    board: str | None = None
    tags: tuple[str, ...] = ()
    labgrid: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]*$")
    coordinator: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_\[][A-Za-z0-9._:%\[\]-]*$")
    wait_s: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)

    @field_validator("benchmark_model_url")
    @classmethod
    def _safe(cls, url: str | None) -> str | None:
        return url if url is None or url.startswith("file:///") else checked_url(url)

    @model_validator(mode="after")
    def _reachable(self) -> Device:
        if self.transport == "ssh" and self.address is None and self.labgrid is None:
            raise ValueError('transport = "ssh" needs an address, or a labgrid place that tells it')
        if (self.transport == "plugin") != (self.plugin is not None):
            raise ValueError('transport = "plugin" and plugin = NAME go together: give both')
        if self.transport == "adb" and self.address is None:
            raise ValueError('transport = "adb" needs an address')
        if self.transport == "adb" and (self.user or self.port):
            raise ValueError("adb knows neither user nor port: write a phone in the network as host:port")
        if (self.benchmark_model_url is None) != (self.benchmark_model_sha256 is None):
            raise ValueError("benchmark_model_url and benchmark_model_sha256 (--sha256) go together: give both")
        if self.benchmark_model_url is not None and self.benchmark_model is not None:
            raise ValueError("give benchmark_model or benchmark_model_url, not both")
        if self.benchmark_model_url is not None and self.transport != "adb":
            raise ValueError("benchmark_model_url is of a phone: its address is adb:SERIAL")
        if self.labgrid is None and (self.coordinator is not None or self.wait_s):
            raise ValueError("coordinator and wait_s are of a labgrid place: add labgrid = its name")
        return self


class Quarantine(Frozen):
    """Why a device is kept out of measurements.

    Attributes:
        device: as it was described then.
        reasons: the steps of its check that failed, in words.
        since: when the first of them failed, ISO 8601; empty when that is not known.
    """

    device: Device
    reasons: tuple[str, ...]
    since: str

    @property
    def words(self) -> str:
        """Since when, and why."""
        return f"since {self.since or 'an unknown time'}: {'; '.join(self.reasons)}"


class DeviceState(Frozen):
    """One look at a device. None means that the device does not offer the reading; never zero for unknown.

    Attributes:
        clock_khz, governor: per CPU name.
        temperature_c: per sensor name.
        throttled: flags that the device itself reports, in words.
        load_1m: run-queue length averaged over one minute.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    unix_time: float = Field(ge=0, le=LAST_SECOND)
    load_1m: float | None = Field(default=None, ge=0)
    clock_khz: dict[str, Kilohertz] | None = None
    max_clock_khz: dict[str, Kilohertz] | None = None
    governor: dict[str, str] | None = None
    temperature_c: dict[str, float] | None = None
    throttled: tuple[str, ...] | None = None


class Contention(Frozen):
    """The use of the CPUs by others during a measurement.

    Attributes:
        measured_ns: how long it was measured, by the clock.
        cpus: that the measured process could use.
        waited_ns: what its threads waited for a CPU, summed, and what other virtual machines took; None if not told.
        others_ns: CPU time that others spent on those CPUs, summed; None if not told.
    """

    measured_ns: int = Field(gt=0, le=10**16)
    cpus: int = Field(ge=0, le=65536)
    waited_ns: int | None = Field(default=None, ge=0, le=2**63)
    others_ns: int | None = Field(default=None, ge=0, le=2**63)

    def waited(self, threads: int) -> float | None:
        """Share of the time that a thread waited, of ``threads`` that ran."""
        return None if self.waited_ns is None else self.waited_ns / (self.measured_ns * threads)

    @property
    def others(self) -> float | None:
        """Share of the CPUs that others used."""
        return None if self.others_ns is None or not self.cpus else self.others_ns / (self.measured_ns * self.cpus)


class DeviceInfo(Frozen):
    """The measured machine."""

    machine: str
    cpu: str
    cores: int = Field(ge=1, le=65536)
    system: str
    python: str
    isa: tuple[str, ...] = ()
    memory_bytes: int | None = Field(default=None, ge=0, le=2**63)
    emulated: bool = False
