"""What makes the emulated board look like a phone to those who ask it: ``getprop``, ``dumpsys``, ``cmd``."""

from __future__ import annotations

from pathlib import Path

from .boards import VirtualBoard

GETPROP = """#!/bin/sh
if [ $# = 0 ]; then exec cat /system/properties; fi
while IFS= read -r line; do
  case $line in "[$1]: ["*) value=${line#*: \\[}; printf '%s\\n' "${value%]}"; exit 0;; esac
done </system/properties
echo
"""
DUMPSYS = """#!/bin/sh
if [ "$1" = battery ]; then exec cat /system/battery; fi
[ "$1" = thermalservice ] || { printf "Can't find service: %s\\n" "$1"; exit 0; }
exec cat /system/thermalservice
"""
CMD = """#!/bin/sh
folder=${ANDROID_DATA:-/data}/local/tmp
if [ "$1 $2" = "power set-fixed-performance-mode-enabled" ]; then
  if [ -e "$folder/no-power-hal" ]; then
    echo "Failed to set FIXED_PERFORMANCE mode" >&2
    echo "This is likely because Power HAL AIDL is not implemented on this device" >&2
    exit 255
  fi
  printf '%s\\n' "$3" >>"$folder/fixed-performance"
  exit 0
fi
printf "cmd: Can't find service: %s\\n" "$1" >&2
exit 20
"""
THERMAL = """IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 2
\tkilled: false
\tbroadcasts count: -1
Thermal Status: 0
Cached temperatures:
\tTemperature{mValue=36.5, mType=3, mName=skin, mStatus=0}
HAL Ready: true
HAL connection:
\tThermalHAL AIDL 1  connected: yes
Current temperatures from HAL:
\tTemperature{mValue=41.2, mType=0, mName=CPU0, mStatus=0}
\tTemperature{mValue=39.8, mType=1, mName=GPU0, mStatus=0}
\tTemperature{mValue=31.0, mType=2, mName=battery, mStatus=0}
\tTemperature{mValue=36.5, mType=3, mName=skin, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
"""
BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 500000
  Charge counter: 2918000
  status: 2
  health: 2
  present: true
  level: 78
  scale: 100
  voltage: 4210
  temperature: 310
  technology: Li-ion
"""
"""A phone on the cable that adb goes through."""


def install(board: VirtualBoard, root: Path) -> None:
    """Write the programs and what they tell into ``root/system``, an empty folder."""
    programs = root / "system" / "bin"
    programs.mkdir(parents=True)
    (programs / "sh").symlink_to("/bin/sh")
    for name, text in (("getprop", GETPROP), ("dumpsys", DUMPSYS), ("cmd", CMD)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    properties = board.properties or {}
    (root / "system" / "properties").write_text("".join(f"[{key}]: [{value}]\n" for key, value in properties.items()))
    (root / "system" / "thermalservice").write_text(THERMAL)
    (root / "system" / "battery").write_text(BATTERY)
