from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.counting.output import parse
from edgekit.counting.plugin_file import (
    Emulator,
    api_of,
    compiled,
    find_compiler,
    find_emulator,
    named_emulator,
    source,
)
from edgekit.errors import ToolError

BASE = 0x400000
GETPRIORITY = (0xD28011A8, 0xD2800000, 0xF2ABDDA1, 0xD4000001)
"""mov x8, 141; mov x0, 0; movk x1, 0x5EED, lsl 16; svc 0: what comes before puts the mark into x1."""
WORDS = {
    "fma": (0x4E20CC00, 0x4F811000, 0x4E400C00),  # fmla v0.4s, v0.4s, v0.4s; ... v1.s[0]; ... .8h
    "dot": (0x4E809400, 0x4F80E000),  # sdot v0.4s, v0.16b, v0.16b; ... v0.4b[0]
    "int_multiply": (0x4E209C00, 0x0E208000, 0x0F412000, 0x4E60C000),  # mul, smlal, smlal by element, smull2
    "simd": (0x4EA08400, 0x6E20DC00, 0x0F20A400),  # add, fmul, sshll
    "loads": (0xF94003E0, 0x3DC003E0, 0xA94007E0, 0x4C4073E0),  # ldr x, ldr q, ldp x, ld1 {v}, from the stack
    "stores": (0xF90003E0, 0x3D8003E0, 0xA90007E0, 0x4C0073E0),
}
"""Instructions of each class, by hand from the Arm Architecture Reference Manual."""
X86_CODE = (
    ("c4e27db8c0", ("fma",)),  # vfmadd231ps ymm0, ymm0, ymm0
    ("c4e27db80424", ("fma", "loads")),  # vfmadd231ps ymm0, ymm0, [rsp]
    ("c4e1fdf5c0", ("int_multiply",)),  # vpmaddwd ymm0, ymm0, ymm0
    ("c4e27d040424", ("int_multiply", "loads")),  # vpmaddubsw ymm0, ymm0, [rsp]
    ("660f3840c0", ("int_multiply",)),  # pmulld xmm0, xmm0
    ("c5fc58c0", ("simd",)),  # vaddps ymm0, ymm0, ymm0
    ("0f58c0", ("simd",)),  # addps xmm0, xmm0
    ("660fc6c000", ("simd",)),  # shufpd xmm0, xmm0, 0
    ("c4e27d300424", ("simd", "loads")),  # vpmovzxbw ymm0, [rsp]
    ("488b0424", ("loads",)),  # mov rax, [rsp]
    ("48030424", ("loads",)),  # add rax, [rsp]
    ("0fb60424", ("loads",)),  # movzx eax, byte [rsp]
    ("c5fc100424", ("loads",)),  # vmovups ymm0, [rsp]
    ("c4e27d180424", ("loads",)),  # vbroadcastss ymm0, [rsp]
    ("50", ("stores",)),  # push rax
    ("58", ("loads",)),  # pop rax
    ("48890424", ("stores",)),  # mov [rsp], rax
    ("c5fc110424", ("stores",)),  # vmovups [rsp], ymm0
    ("f30f7e0424", ("loads",)),  # movq xmm0, [rsp]
    ("660f7e0424", ("stores",)),  # movd [rsp], xmm0
    ("488d0424", ()),  # lea rax, [rsp]
    ("4801c0", ()),  # add rax, rax
    ("0f44c0", ()),  # cmove eax, eax
    ("c4e2f0f2c0", ()),  # andn rax, rcx, rax
    ("f2480f38f1c0", ()),  # crc32 rax, rax
    ("c5f877", ()),  # vzeroupper
)
"""x86-64 by hand from Intel's manual: machine code, and the classes that it counts among."""
X86_BYTES = ((32 + 32 + 16 + 8 + 8 + 1 + 32 + 4 + 8 + 8), (8 + 8 + 32 + 4))
"""What one round of it loads and stores."""
AARCH64, X86_64 = 183, 62
"""ELF's numbers of the machines."""


def test_the_plugin_interface_of_each_qemu() -> None:
    assert [api_of(version) for version in ("7.2.22", "8.2", "9.0.4", "9.1", "10.0.3")] == [1, 1, 2, 3, 3]
    for version in ("6.2", "", "unknown"):
        with pytest.raises(ToolError, match="takes QEMU"):
            api_of(version)


def test_what_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(ToolError, match="needs qemu-aarch64") as caught:
        find_emulator()
    assert caught.value.hint == "apt-get install qemu-user"
    with pytest.raises(ToolError, match="no C compiler") as caught:
        find_compiler()
    assert caught.value.hint.startswith("apt-get install gcc")


def test_a_static_qemu_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    static = tmp_path / "qemu-aarch64"
    static.write_bytes(program([]))
    static.chmod(0o755)
    monkeypatch.setenv("EDGEKIT_QEMU", str(static))
    with pytest.raises(ToolError, match="linked statically"):
        find_emulator()


def test_a_program_that_is_no_qemu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_QEMU", sys.executable)
    with pytest.raises(ToolError, match="says no version"):
        find_emulator()


def test_a_compiler_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "false")
    emulator = Emulator(Path("qemu-aarch64"), "7.2.22")
    with pytest.raises(ToolError, match="failed"):
        compiled(emulator)
    monkeypatch.delenv("CC")
    made = compiled(emulator)
    assert [path.name for path in made.parent.iterdir()] == [made.name]


@pytest.mark.parametrize("api", [1, 2, 3])
def test_it_compiles_without_a_warning_for_every_interface(api: int, tmp_path: Path) -> None:
    command = [*find_compiler(), "-Wall", "-Werror", "-shared", "-fPIC", f"-DEDGEKIT_QEMU_API={api}", "-x", "c", "-"]
    done = subprocess.run([*command, "-o", tmp_path / "it.so"], input=source(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def program(words: list[int]) -> bytes:
    """An aarch64 program of one segment: headers, then the instructions."""
    return executable(AARCH64, b"".join(struct.pack("<I", word) for word in words))


def executable(machine: int, code: bytes) -> bytes:
    """An ELF file of one segment."""
    start = 64 + 56
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, machine, 1, BASE + start, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, start + len(code), start + len(code), 0x1000)
    return header + segment + code


def mark(number: int) -> list[int]:
    """movz x1, number; the system call."""
    return [0xD2800001 | number << 5, *GETPRIORITY]


@pytest.mark.parametrize("threads", ["", ",threads=on"])
def test_every_class_is_counted_exactly(tmp_path: Path, threads: str) -> None:
    """A program written by hand, with five rounds of each class in a loop."""
    try:
        emulator = find_emulator()
    except ToolError as error:
        if "static" in str(error):
            raise
        pytest.skip("needs qemu-user")
    body = [word for words in WORDS.values() for word in words]
    loop = [*body, 0xF1000673, 0x54000001 | (-(len(body) + 1) & 0x7FFFF) << 5]  # subs x19, x19, 1; b.ne
    ended = [0xD2800BC8, 0xD2800000, 0xD4000001]  # exit_group(0)
    made = tmp_path / "program"
    made.write_bytes(program([0xD1010BFF, 0xD28000B3, *mark(0), *mark(1), *loop, *mark(2), *mark(0xFFFF), *ended]))
    made.chmod(0o755)
    out = tmp_path / "out,comma.txt"
    plugin = f"{compiled(emulator)},out={str(out).replace(',', ',,')},caches=32:2+1024:16{threads}"
    subprocess.run([emulator.path, "-cpu", "cortex-a76", "-plugin", plugin, made], check=True, env={**os.environ})
    (counted,) = parse(out.read_text(), 2).counts
    for name, words in WORDS.items():
        assert getattr(counted, name) == 5 * len(words), name
    assert counted.branches == 5 + 1  # the loop, and the last system call
    assert counted.instructions == 5 * len(loop) + len(mark(2))
    assert counted.bytes_loaded == counted.bytes_stored == 5 * (8 + 16 + 16 + 16)
    assert counted.cache_misses[0] <= 2


def test_every_class_of_x86_is_counted_exactly(tmp_path: Path) -> None:
    """Likewise; what computes with what it loads counts twice."""
    try:
        emulator = find_emulator("x86_64")
    except ToolError as error:
        if "static" in str(error):
            raise
        pytest.skip("needs qemu-user")
    body = b"".join(bytes.fromhex(code) for code, _ in X86_CODE)
    loop = body + b"\xff\xcb"  # dec ebx
    loop += b"\x0f\x85" + struct.pack("<i", -(len(loop) + 6))  # jne
    ended = bytes.fromhex("b8e700000031ff0f05")  # exit_group(0)
    start = bytes.fromhex("4881ec00010000bb05000000")  # sub rsp, 256; mov ebx, 5
    made = tmp_path / "program"
    marks = [x86_mark(number) for number in (0, 1, 2, 0xFFFF)]
    made.write_bytes(executable(X86_64, start + marks[0] + marks[1] + loop + marks[2] + marks[3] + ended))
    made.chmod(0o755)
    out = tmp_path / "out.txt"
    plugin = f"{compiled(emulator)},out={out},caches=32:8+256:8"
    subprocess.run([emulator.path, "-cpu", "max", "-plugin", plugin, made], check=True, env={**os.environ})
    (counted,) = parse(out.read_text(), 2).counts
    for name in ("fma", "dot", "int_multiply", "simd", "loads", "stores"):
        assert getattr(counted, name) == 5 * sum(name in classes for _, classes in X86_CODE), name
    assert counted.branches == 5
    assert counted.instructions == 5 * (len(X86_CODE) + 2) + 4
    assert (counted.bytes_loaded, counted.bytes_stored) == tuple(5 * each for each in X86_BYTES)
    assert counted.cache_misses[0] <= 2


def x86_mark(number: int) -> bytes:
    """mov eax, 140; xor edi, edi; mov esi, the mark; syscall."""
    return bytes.fromhex("b88c00000031ffbe") + struct.pack("<I", 0x5EED << 16 | number) + b"\x0f\x05"


def test_the_emulator_of_the_other_machine_is_looked_for_beside_the_named_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_QEMU", "/opt/qemu/bin/qemu-aarch64")
    assert named_emulator("x86_64") == "/opt/qemu/bin/qemu-x86_64"
    assert named_emulator("aarch64") == "/opt/qemu/bin/qemu-aarch64"
    monkeypatch.delenv("EDGEKIT_QEMU")
    assert named_emulator("x86_64") == "qemu-x86_64"
