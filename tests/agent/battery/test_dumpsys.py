from __future__ import annotations

from edgekit.agent.battery.discharge import not_discharging
from edgekit.agent.battery.dumpsys import look_at_dumpsys
from edgekit.devices.virtual.phone_files import BATTERY


def test_dumpsys_in_words() -> None:
    (look,) = look_at_dumpsys(BATTERY, 7).values()
    assert (look["charge"], look["voltage"], look["status"], look["t_ns"]) == (2_918_000, 4210, "Charging", 7)
    assert not_discharging(look) == "the device is powered from outside (usb): unplug it, and reach it by network"
    alone = BATTERY.replace("USB powered: true", "USB powered: false").replace("status: 2", "status: 3")
    (look,) = look_at_dumpsys(alone + "  current now: -345\n", 7).values()
    assert not_discharging(look) == ""
    assert look["current"] == -345
    assert look_at_dumpsys("Can't find service: battery\n", 7) == {}
    assert look_at_dumpsys(BATTERY.replace("present: true", "present: false"), 7) == {}
