"""This machine as a device."""

from __future__ import annotations

from ..types import Device

LOCAL = Device(id="local", transport="local")
