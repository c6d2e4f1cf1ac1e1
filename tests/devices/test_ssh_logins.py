"""Against a real sshd on loopback: logins that print, shells that are no POSIX shells, homes with odd names."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import edgekit.devices.ssh as under_test
from edgekit.bench.launch import run_agent
from edgekit.devices.ssh import SshMachine, Target
from edgekit.devices.ssh_errors import DeviceError
from edgekit.devices.ssh_scripts import LONGEST_WORD, packed, remote

ODD = "a b'c\"d $(touch oops) `x` ;#!! \\n%s -n * ~ é\n\n" + "long" * LONGEST_WORD


def target(board: Any) -> Target:
    return Target(name="board", host="board", config=board.config, python=sys.executable)


def measured(board: Any, tmp_path: Path) -> None:
    """Everything that a run does: a large file goes there and back, and the agent answers."""
    large = tmp_path / "a b!.bin"
    large.write_bytes(b"\n\0x" * 5000)
    with SshMachine(target(board)) as machine:
        (there,) = machine.deliver([large])
        machine.fetch(there, tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == large.read_bytes()
        told = run_agent(machine, {"command": "info"}, {}, 60, "asking")
        assert told["info"]["cores"] >= 1


@pytest.mark.parametrize("shell", ["bash", "dash", "tcsh -f", "bsd-csh -f", "fish", "zsh"])
def test_the_login_shell_is_no_matter(shell: str, ssh_board: Any, tmp_path: Path) -> None:
    if shutil.which(shell.split(maxsplit=1)[0]) is None:
        pytest.skip(f"the shell {shell} is not here: apt-get install {shell.split(maxsplit=1)[0].removeprefix('bsd-')}")
    ssh_board.log_in_by(f'exec {shell} -c "$asked"')
    measured(ssh_board, tmp_path)


NOISE = {
    "motd": "echo hello from .bashrc",
    "no newline": "printf 'no newline here'",
    "big": "yes banner banner banner | head -c 300000",
    "escapes": r"printf 'busy \033]0;PWN\007\033[31mred\n'",
    "claims": r"printf 'edgekit-ready /nowhere/$(touch pwned)\n'",
    "stderr": "echo warning: setlocale: LC_ALL >&2",
    "bytes": r"printf '\377\000\n'",
    "locale": "export LC_ALL=de_DE.UTF-8 LANG=tr_TR.UTF-8 LANGUAGE=de",
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_what_login_files_print_is_no_matter(noise: str, ssh_board: Any, tmp_path: Path) -> None:
    ssh_board.log_in_by(f'{noise}\nexec bash -c "$asked"')
    measured(ssh_board, tmp_path)


HOMES = ["new\nline\n", "quo'te $(id)\"x", "-dash", "tür", b"\xff".decode(errors="surrogateescape")]


@pytest.mark.parametrize("name", HOMES, ids=ascii)
def test_a_home_with_an_odd_name(name: str, ssh_board: Any, tmp_path: Path) -> None:
    home = tmp_path / name
    home.mkdir()
    ssh_board.log_in_by(f'cd {tmp_path}/*/\nexport HOME="$PWD"\nunset XDG_CACHE_HOME\nexec bash -c "$asked"')
    measured(ssh_board, tmp_path)
    assert list((home / ".cache" / "edgekit" / "files").iterdir())


CLAIMS_A_LONG_PATH = """
mark=$(echo "$asked" | grep -o 'edgekit-begins-[0-9a-f]*')
printf '\\n%s\\nedgekit-ready ' $mark
exec yes x
"""
REFUSED = {
    "endless": ("exec yes", "shell", "the login on board printed more than 1 MB before our program began: b'y"),
    "nologin": ("echo This account is currently not available.; exit 1", "shell", "not available"),
    "quiet": ("exit 0", "shell", "ran nothing of ours and ended with 0"),
    "garbage": ("head -c 100000 /dev/urandom", "shell", "ran nothing of ours and ended with 0; it printed"),
    "base": (CLAIMS_A_LONG_PATH, "shell", "bytes where the path of our folder should be"),
}


@pytest.mark.parametrize(("login", "kind", "why"), REFUSED.values(), ids=REFUSED)
def test_a_login_that_leads_nowhere(login: str, kind: str, why: str, ssh_board: Any) -> None:
    ssh_board.log_in_by(login)
    begin = time.monotonic()
    with pytest.raises(DeviceError) as caught, SshMachine(target(ssh_board)):
        pass
    assert (caught.value.kind, why in str(caught.value)) == (kind, True), str(caught.value)
    assert time.monotonic() - begin < 15
    assert "\x1b" not in str(caught.value)


def test_a_login_that_says_nothing_ends_at_its_deadline(ssh_board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "CALL_S", -8.0)  # with the ten seconds of the connection: two
    ssh_board.log_in_by("exec sleep 100")
    with pytest.raises(DeviceError, match="board did not answer within 2 s") as caught, SshMachine(target(ssh_board)):
        pass
    assert caught.value.kind == "unreachable"


def test_files_that_nobody_asked_about_are_no_answer(ssh_board: Any, tmp_path: Path) -> None:
    ssh_board.log_in_by('case $asked in *missing*) (eval "$asked"); echo missing deadbeef; exit;; esac; eval "$asked"')
    (tmp_path / "a.bin").write_bytes(b"x" * 5000)
    with SshMachine(target(ssh_board)) as machine, pytest.raises(DeviceError, match="missing deadbeef'") as caught:
        machine.deliver([tmp_path / "a.bin"])
    assert "where names of missing files should be" in str(caught.value)


def test_no_word_is_long_and_none_means_anything_to_a_shell() -> None:
    words = packed(ODD)
    assert all(len(word) <= LONGEST_WORD for word in words)
    assert not set("\n'\"!`$\\*~") - {"\\"} & set("".join(words))
    assert "\n" not in remote("mark", "a\nb", ODD)
