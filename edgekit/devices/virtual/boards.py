"""The emulated boards that exist: a name, the CPU that qemu plays, and the facts that its files show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ...types import Device


@dataclass(frozen=True)
class VirtualBoard:
    """An emulated board.

    Attributes:
        cpu: qemu's name of the CPU.
        model: as the device tree says it.
        features: of ``/proc/cpuinfo``.
        part: of the core, as ``/proc/cpuinfo`` says it; ``midr`` is the whole identification register.
        khz: lowest and highest clock.
        caches: of one core: level, type, kilobytes, ways; the last level is shared by all.
        properties: what ``getprop`` says on a phone; None for a board, which is reached by SSH.
        python: interpreter to use; a phone without one has the native runner.
        machine: what qemu plays. On ``x86_64`` this machine's own Python runs, and nothing of a board is played.
    """

    name: str
    cpu: str
    model: str
    compatible: str
    board: str
    features: str
    part: int
    midr: int
    khz: tuple[int, int]
    caches: tuple[tuple[int, str, int, int], ...]
    cores: int = 4
    properties: Mapping[str, str] | None = None
    python: str | None = None
    machine: Literal["aarch64", "x86_64"] = "aarch64"

    @property
    def device(self) -> Device:
        """The board as a device."""
        # No phone is made of these cores alone, so none is promised.
        board = self.board if self.properties is None else None
        return Device(id=self.name, transport="virtual", python=self.python, board=board)


BOARDS = (
    VirtualBoard(
        name="virtual-rpi4",
        cpu="cortex-a72",
        model="Raspberry Pi 4 Model B Rev 1.4",
        compatible="raspberrypi,4-model-b\0brcm,bcm2711\0",
        board="rpi4",
        features="fp asimd evtstrm crc32 cpuid",
        part=0xD08,
        midr=0x410FD083,
        khz=(600_000, 1_800_000),
        caches=((1, "Data", 32, 2), (1, "Instruction", 48, 3), (2, "Unified", 1024, 16)),
    ),
    VirtualBoard(
        name="virtual-rpi5",
        cpu="cortex-a76",
        model="Raspberry Pi 5 Model B Rev 1.0",
        compatible="raspberrypi,5-model-b\0brcm,bcm2712\0",
        board="rpi5",
        features="fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
        part=0xD0B,
        midr=0x414FD0B1,
        khz=(1_500_000, 2_400_000),
        caches=((1, "Data", 64, 4), (1, "Instruction", 64, 4), (2, "Unified", 512, 8), (3, "Unified", 2048, 16)),
    ),
)

PHONE = VirtualBoard(
    name="virtual-phone",
    cpu="cortex-a76",
    model="edgekit virtual phone",
    compatible="qcom,kalama\0",
    board="snapdragon_855",
    features="fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    part=0xD0B,
    midr=0x414FD0B1,
    khz=(710_400, 2_841_600),
    caches=((1, "Data", 64, 4), (1, "Instruction", 64, 4), (2, "Unified", 512, 8), (3, "Unified", 2048, 16)),
    properties={
        "ro.product.model": "virtual phone",
        "ro.product.manufacturer": "edgekit",
        "ro.product.cpu.abi": "arm64-v8a",
        "ro.build.version.sdk": "34",
        "ro.build.version.release": "14",
        "ro.board.platform": "msmnile",
        "ro.hardware": "qcom",
        "ro.soc.model": "SM8150",
        "ro.soc.manufacturer": "QTI",
    },
)
PHONES = (PHONE, replace(PHONE, name="virtual-phone-2", python="python3"))

VIRTUAL = {board.name: board for board in (*BOARDS, *PHONES)}
"""Every emulated board and phone by name."""
