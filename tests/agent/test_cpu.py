from __future__ import annotations

from edgekit.agent.cpu import describe_cpu, isa_flags

PI4 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU part\t: 0xd08

processor\t: 1
CPU part\t: 0xd08

Hardware\t: BCM2835
Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""


def test_a_cpu_is_named_by_its_model_or_its_board_and_cores() -> None:
    assert describe_cpu("model name\t: Some CPU @ 3 GHz\n" * 2, None) == "Some CPU @ 3 GHz"
    assert describe_cpu(PI4, None) == "Raspberry Pi 4 Model B Rev 1.4, 2 x Cortex-A72"
    assert describe_cpu("CPU part\t: 0xd05\n" * 4 + "CPU part\t: 0xd0b\n", "Some Board") == (
        "Some Board, 4 x Cortex-A55 + 1 x Cortex-A76"
    )
    assert describe_cpu("", None) is None
    assert isa_flags(PI4) == ["asimd"]
    assert isa_flags("flags\t: fpu avx2 avx512_vnni\n") == ["avx2", "avx512_vnni"]
