"""CPU feature lists as real machines print them."""

from __future__ import annotations

import platform

import pytest

from edgekit.base.target import cpu_flags, host_target, saturates, sums_in_half
from edgekit.errors import ToolError

HASWELL = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Core(TM) i7-4770 CPU @ 3.40GHz
flags\t\t: fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov sse4_2 movbe popcnt aes xsave avx f16c rdrand \
lahf_lm abm cpuid_fault bmi1 avx2 smep bmi2 erms invpcid
bugs\t\t: cpu_meltdown spectre_v1
"""
SKYLAKE_X = HASWELL.replace("i7-4770", "i9-7900X").replace("avx2", "avx2 avx512f avx512dq avx512cd avx512bw avx512vl")
CASCADE_LAKE = SKYLAKE_X.replace("avx512vl", "avx512vl avx512_vnni")
ALDER_LAKE = HASWELL.replace("i7-4770", "i5-12600K").replace("invpcid", "invpcid avx_vnni serialize")
ZEN2 = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD Ryzen 7 3700X 8-Core Processor
flags\t\t: fpu vme sse4a misalignsse 3dnowprefetch avx avx2 bmi2 rdseed adx clflushopt clwb sha_ni
"""
ZEN4 = ZEN2.replace("3700X", "7700X").replace("clwb", "clwb avx512f avx512_bf16 avx512_vnni")
RPI3 = """processor\t: 0
BogoMIPS\t: 38.40
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU part\t: 0xd03
Model\t\t: Raspberry Pi 3 Model B Plus Rev 1.3
"""
RPI4 = RPI3.replace("0xd03", "0xd08").replace("3 Model B Plus Rev 1.3", "4 Model B Rev 1.4")
RPI5 = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd0b
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""
GRAVITON2 = RPI5.replace("Raspberry Pi 5 Model B Rev 1.0", "")
PI_ZERO = "processor\t: 0\nFeatures\t: half thumb fastmult vfp edsp java tls\n"
RISCV = "processor\t: 0\nisa\t\t: rv64imafdc\n"


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "target"),
    [
        ("x86_64", HASWELL, "x86-avx2"),
        ("x86_64", SKYLAKE_X, "x86-avx2"),
        ("x86_64", CASCADE_LAKE, "x86-vnni"),
        ("x86_64", ALDER_LAKE, "x86-vnni"),
        ("AMD64", ZEN2, "x86-avx2"),
        ("x86_64", ZEN4, "x86-vnni"),
        ("aarch64", RPI3, "armv8.0"),
        ("aarch64", RPI4, "armv8.0"),
        ("aarch64", RPI5, "armv8.2-dot"),
        ("arm64", GRAVITON2, "armv8.2-dot"),
        ("x86_64", "", "x86-avx2"),  # nothing known: the form that is right everywhere
        ("aarch64", "", "armv8.0"),
    ],
)
def test_class_of_real_machines(machine, cpuinfo, target):
    assert host_target(machine, cpuinfo) == target


@pytest.mark.parametrize(("machine", "cpuinfo"), [("armv6l", PI_ZERO), ("riscv64", RISCV), ("ppc64le", "")])
def test_unknown_machine_says_what_to_do(machine, cpuinfo):
    with pytest.raises(ToolError, match=f"no target class is known for the machine '{machine}'") as caught:
        host_target(machine, cpuinfo)
    assert "--target" in caught.value.hint


def test_this_machine_has_a_class():
    expected = {"x86_64": ("x86-avx2", "x86-vnni"), "aarch64": ("armv8.0", "armv8.2-dot")}[platform.machine()]
    assert host_target() in expected


def test_only_whole_words_count():
    assert cpu_flags("flags : avx512_vnni_like asimddpx") == {"avx512_vnni_like", "asimddpx"}
    assert cpu_flags("power management: avx_vnni\nFeatures : fp\nflags : avx2") == {"fp"}
    assert host_target("x86_64", "flags : avx512_vnni_like") == "x86-avx2"


@pytest.mark.parametrize(
    ("target", "yes"), [("x86-avx2", True), ("x86-vnni", False), ("armv8.0", False), ("armv8.2-dot", False)]
)
def test_which_saturate(target, yes):
    assert saturates(target) is yes


def test_a_cpu_with_float16_arithmetic_sums_in_it() -> None:
    assert sums_in_half(RPI5)
    assert sums_in_half(ZEN4.replace("avx512_bf16", "avx512_fp16"))
    assert not any(sums_in_half(cpuinfo) for cpuinfo in (RPI4, HASWELL, ZEN4, ""))
