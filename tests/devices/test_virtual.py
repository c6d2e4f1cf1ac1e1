from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from edgekit.agent.cpu import describe_cpu
from edgekit.base.folders import boards_folder
from edgekit.base.progress import silent
from edgekit.devices.virtual import build as virtual_build
from edgekit.devices.virtual.boards import BOARDS, VIRTUAL, VirtualBoard
from edgekit.devices.virtual.files import cpuinfo, sys_files, write_files
from edgekit.devices.virtual.start import MAGIC, MASK, NO_HOME, sshd_options
from edgekit.errors import ToolError


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_its_files_are_those_of_the_board(board: VirtualBoard, tmp_path: Path) -> None:
    write_files(tmp_path, sys_files(board))
    cpus = tmp_path / "devices" / "system" / "cpu"
    assert (cpus / "online").read_text() == "0-3\n"
    assert len(list(cpus.glob("cpu?/cpufreq/scaling_cur_freq"))) == board.cores
    midr = int((cpus / "cpu0" / "regs" / "identification" / "midr_el1").read_text(), 16)
    assert midr >> 4 & 0xFFF == board.part
    for cache in cpus.glob("cpu0/cache/index*"):
        size = int((cache / "size").read_text()[:-2]) * 1024
        assert size == 64 * int((cache / "number_of_sets").read_text()) * int(
            (cache / "ways_of_associativity").read_text()
        )
    model = (tmp_path / "firmware" / "devicetree" / "base" / "model").read_text()
    assert model.endswith("\0")
    core = {"cortex-a72": "Cortex-A72", "cortex-a76": "Cortex-A76"}[board.cpu]
    assert describe_cpu(cpuinfo(board), model.rstrip("\0")) == f"{board.model}, 4 x {core}"


def test_aarch64_programs_and_no_others_go_to_qemu() -> None:
    magic, mask = (bytes(text, "ascii").decode("unicode_escape").encode("latin-1") for text in (MAGIC, MASK))
    assert len(magic) == len(mask) == 20

    def taken(start: bytes) -> bool:
        return bytes(a & b for a, b in zip(start, mask, strict=True)) == magic

    elf = bytes([0x7F, *b"ELF", 2, 1, 1, *[0] * 9])
    for kind in (b"\x02\x00", b"\x03\x00"):  # fixed and position-independent
        assert taken(elf + kind + b"\xb7\x00")
        assert not taken(elf + kind + b"\x3e\x00")  # x86-64


def test_no_login_file_of_this_host_runs_at_a_call(tmp_path: Path) -> None:
    """A shell that sshd starts runs ~/.bashrc, which is this host's: with pyenv in it every call took twice as long."""
    options = sshd_options(VIRTUAL["virtual-rpi4"], tmp_path, 1)
    assert f"SetEnv=HOME={NO_HOME}" in options
    assert not Path(NO_HOME).exists()


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program, **_: None if program.startswith("qemu") else program)
    with pytest.raises(ToolError, match="needs qemu-aarch64-static") as caught:
        virtual_build.check_tools()
    assert caught.value.hint == "apt-get install qemu-user-static"


def test_a_build_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(virtual_build, "check_tools", lambda _: None)
    monkeypatch.setattr(virtual_build, "mirror", lambda: "file:/nowhere")
    if shutil.which("apt-get") is None:
        pytest.skip("needs apt-get")
    with pytest.raises(ToolError, match=r"building the emulated board: the (index|download) ended with exit code"):
        virtual_build.build_system(silent)
    assert not virtual_build.system_folder().exists()
    assert not [path for path in boards_folder().iterdir() if "staging" in path.name]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(VIRTUAL))
def test_the_board_starts_runs_and_stops(name: str, emulated: None) -> None:
    from edgekit.devices.ssh import SshMachine
    from edgekit.devices.virtual.board import prepare

    with SshMachine(prepare(name, silent)) as machine:
        said = machine.call(
            "looking", 'uname -m; pwd; id -u; echo "$QEMU_CPU"; cat /proc/1/comm >/dev/null && echo own'
        )
        assert said.decode().split() == ["aarch64", "/root", "0", VIRTUAL[name].cpu, "own"]
        keeper = subprocess.run(["pgrep", "-f", f"virtual.start {name} "], capture_output=True, check=False)
        assert keeper.returncode == 0
    deadline = time.monotonic() + 20  # the board notices that its connection has gone, then ends by itself
    while subprocess.run(["pgrep", "-f", f"virtual.start {name} "], capture_output=True, check=False).returncode == 0:
        assert time.monotonic() < deadline, "the board outlives its connection"
        time.sleep(0.2)
