"""A CPU that hides AVX-512 and VNNI: shown on a library of the test's own that asks for them by CPUID."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import narrow_cpu
from edgekit.base.target import cpu_flags, host_target

ASKS = """
#include <stdint.h>
void ask(uint32_t leaf, uint32_t subleaf, uint32_t *out) {
    __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
}
"""
PRINTS = """
import ctypes, sys
library, words = ctypes.CDLL(sys.argv[1]), (ctypes.c_uint32 * 4)()
for leaf in (0, 7):
    library.ask(leaf, 0, words)
    print(*words)
print([line for line in open("/proc/cpuinfo") if line.startswith("flags")][0].strip())
"""
AVX2, AVX512F = 1 << 5, 1 << 16
NEW = """processor\t: 0
model name\t: Some Core 9
flags\t\t: fpu avx2 avx512f avx512_vnni avx_vnni gfni vaes amx_int8
"""


def test_cpuinfo_loses_the_flags_and_says_so() -> None:
    narrow = narrow_cpu.narrow_cpuinfo(NEW)
    assert cpu_flags(narrow) == {"fpu", "avx2", "vaes"}
    assert "Some Core 9 (AVX-512 and VNNI hidden)" in narrow
    assert (host_target("x86_64", NEW), host_target("x86_64", narrow)) == ("x86-vnni", "x86-avx2")


def test_a_library_that_asks_is_told_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, source = tmp_path / "asking", tmp_path / "ask.c"
    package.mkdir()
    (package / "__init__.py").touch()
    source.write_text(ASKS)
    library = package / "libask.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(narrow_cpu, "PACKAGES", ("asking",))
    assert len(list(narrow_cpu.cpuid_places(("asking",)))) == 1

    command = [sys.executable, "-c", PRINTS, str(library)]
    done = subprocess.run(
        narrow_cpu.wrapped(command, tmp_path),
        env={**os.environ, **narrow_cpu.environment(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    vendor, features, flags = done.stdout.splitlines()
    own = (ctypes.c_uint32 * 4)()
    ctypes.CDLL(str(library)).ask(0, 0, own)
    assert vendor.split() == [str(word) for word in own]  # what is not hidden stays as it is
    ctypes.CDLL(str(library)).ask(7, 0, own)
    told = int(features.split()[1])
    assert told & AVX2 == own[1] & AVX2
    assert not told & AVX512F
    assert "avx512" not in flags


def test_a_package_that_is_not_there_is_named() -> None:
    with pytest.raises(SystemExit, match="no_such_runtime is not installed"):
        list(narrow_cpu.cpuid_places(("no_such_runtime",)))
