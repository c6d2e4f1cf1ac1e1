"""Simulated boards: cores on which nothing is timed, and every instruction of an inference is counted.

Those of ARM run the system of the emulated boards, that of x86 this machine's own; ``edgekit/counting`` says how.
"""

from __future__ import annotations

from dataclasses import replace

from ...types import Device
from .boards import BOARDS, VirtualBoard

RPI4, RPI5 = (replace(board, name=board.name.replace("virtual-", "sim-")) for board in BOARDS)
A53 = VirtualBoard(
    name="sim-a53",
    cpu="cortex-a53",
    model="Raspberry Pi 3 Model B Plus Rev 1.3",
    compatible="raspberrypi,3-model-b-plus\0brcm,bcm2837\0",
    board="rpi3",
    features="fp asimd evtstrm crc32 cpuid",
    part=0xD03,
    midr=0x410FD034,
    khz=(600_000, 1_400_000),
    caches=((1, "Data", 32, 4), (1, "Instruction", 32, 2), (2, "Unified", 512, 16)),
)
NEOVERSE_N1 = VirtualBoard(
    name="sim-neoverse-n1",
    cpu="neoverse-n1",
    model="Neoverse N1 server",
    compatible="arm,neoverse-n1\0",
    board="",
    features="fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    part=0xD0C,
    midr=0x413FD0C1,
    khz=(1_000_000, 2_500_000),
    caches=((1, "Data", 64, 4), (1, "Instruction", 64, 4), (2, "Unified", 1024, 8), (3, "Unified", 32768, 16)),
)
AVX2 = VirtualBoard(
    name="sim-x86-avx2",
    cpu="Haswell",
    model="x86-64 with AVX2",
    compatible="",
    board="",
    features="avx2 fma",
    part=0,
    midr=0,
    khz=(800_000, 3_000_000),
    caches=((1, "Data", 32, 8), (1, "Instruction", 32, 8), (2, "Unified", 256, 8), (3, "Unified", 8192, 16)),
    machine="x86_64",
)
SIMULATED = {board.name: board for board in (RPI4, RPI5, A53, NEOVERSE_N1, AVX2)}
"""Every simulated board by name."""


def device_of(board: VirtualBoard) -> Device:
    """A simulated board as a device."""
    return Device(id=board.name, transport="simulated", board=board.board or None)
