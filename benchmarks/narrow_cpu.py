"""Run a command as if this CPU had AVX2 and neither AVX-512 nor VNNI: ``python -m benchmarks.narrow_cpu COMMAND``.

For measuring, and testing, the class ``x86-avx2`` on a newer machine: the runtimes then choose the kernels that they
choose there. CPUID cannot be changed from outside a virtual machine, so the instruction itself is replaced in ONNX
Runtime, LiteRT and OpenVINO as the loader maps them (``narrow_cpu.c``); nothing on disk changes. PyTorch, NumPy and
oneDNN have switches for it, and ``/proc/cpuinfo`` is covered, for the command alone, by a copy without those flags,
whose model name says so. The core stays a newer one: its clock, caches and ports are not those of an old machine.
Needs gcc, objdump, unshare and the right to mount in a namespace of one's own.
"""
# ruff: noqa: T201 - a program, not a part of the package: it prints

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
CPUINFO = Path("/proc/cpuinfo")
PACKAGES = ("onnxruntime", "ai_edge_litert", "openvino")
ELSEWHERE = re.compile(r"_gpu_|_npu_|WebGpu|frontend")
"""Libraries that compute nothing on the CPU; to read them would take as long as to read the rest."""
HIDDEN = re.compile(r"\b(avx512\w*|avx_vnni\w*|avx10\w*|avx_ifma|amx_\w+|gfni)\b ?")
"""What is taken out of the flags of ``/proc/cpuinfo``; ``narrow_cpu.c`` clears the same in CPUID."""
SWITCHES = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
"""For libraries that ask the CPU but let themselves be told."""


def main(command: Sequence[str]) -> int:
    """Run the command; its exit code."""
    if not command:
        print("usage: python -m benchmarks.narrow_cpu COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="narrow-cpu-") as folder:
        return subprocess.run(
            wrapped(list(command), Path(folder)), env=environment(Path(folder)), check=False
        ).returncode


def environment(folder: Path) -> dict[str, str]:
    """The command's environment; builds the audit library and the list of places in ``folder``."""
    library, places = folder / "narrow_cpu.so", folder / "places.txt"
    subprocess.run(
        ["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(HERE / "narrow_cpu.c")],  # noqa: S607
        check=True,
        timeout=120,
    )
    places.write_text("".join(f"{name} {address:x}\n" for name, address in cpuid_places(PACKAGES)))
    return {**os.environ, **SWITCHES, "LD_AUDIT": str(library), "NARROW_CPU_SITES": str(places)}


def wrapped(command: list[str], folder: Path) -> list[str]:
    """The command in a mount namespace in which ``/proc/cpuinfo`` has lost the flags."""
    copy = folder / "cpuinfo"
    copy.write_text(narrow_cpuinfo(CPUINFO.read_text()))
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *user, "--mount", "sh", "-c", script, "sh", str(copy), str(CPUINFO), *command]


def narrow_cpuinfo(text: str) -> str:
    """``/proc/cpuinfo`` without the hidden flags; the model's name says that they are hidden."""
    text = re.sub(r"(?m)^flags\s*:.*$", lambda line: HIDDEN.sub("", line[0]).rstrip(), text)
    return re.sub(r"(?m)^(model name\s*:.*)$", r"\1 (AVX-512 and VNNI hidden)", text)


def cpuid_places(packages: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Library and address of every CPUID instruction in the native libraries of Python packages.

    Raises:
        SystemExit: a package is not installed, or objdump cannot read a library.
    """
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit(f"{package} is not installed in {sys.prefix}: nothing of it could be hidden")
        for folder in spec.submodule_search_locations:
            for library in sorted(Path(folder).rglob("*.so*")):
                if not ELSEWHERE.search(library.name):
                    yield from ((library.name, address) for address in addresses(library))


def addresses(library: Path) -> Iterator[int]:
    """Where objdump reads a CPUID."""
    tool = ["objdump", "--disassemble", "--no-show-raw-insn", str(library)]
    with subprocess.Popen(tool, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield from (int(line.partition(":")[0], 16) for line in process.stdout if line.rstrip().endswith("\tcpuid"))
        if process.wait():
            raise SystemExit(f"objdump cannot read {library}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
