"""Emulated boards as SSH targets: keys, known hosts and an SSH config of their own, beside the built system."""

from __future__ import annotations

import getpass
import shlex
import subprocess
import sys
from pathlib import Path

from ...base.files import write_atomic
from ...base.folders import boards_folder
from ...base.progress import Progress
from ...errors import ToolError
from ..ssh import Target
from .build import build_system, check_tools, system_folder

CONNECT_S = 60
"""Starting a board takes a second; on a busy host several."""


def is_built() -> bool:
    """True when the system of the emulated boards is there."""
    return system_folder().is_dir()


def prepare(name: str, progress: Progress) -> Target:
    """Make the emulated board ``name`` ready, building what is missing, and say how ssh reaches it.

    Raises:
        ToolError: this host cannot build or run it.
    """
    check_tools()
    root = build_system(progress)
    folder = boards_folder() / name
    home, keys = folder / "home", folder / "keys"
    home.mkdir(parents=True, exist_ok=True)
    keys.mkdir(mode=0o700, exist_ok=True)
    for key in ("host", "client"):
        make_key(keys / key)
    write_atomic(keys / "known_hosts", f"{name} {(keys / 'host.pub').read_text()}")
    config = folder / "ssh_config"
    write_atomic(config, ssh_config(name, root, home, keys))
    return Target(name=name, host=name, config=config, connect_s=CONNECT_S)


def make_key(path: Path) -> None:
    """A key pair, unless there is one."""
    if path.is_file():
        return
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "edgekit emulated board", "-f", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise ToolError(f"ssh-keygen made no key at {path}: {done.stderr.strip()}")


def account() -> str:
    """The name under which the board is logged in to.

    Raises:
        ToolError: this user has none.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise ToolError(
            "the emulated board is logged in to by the name of an account, and this user has none",
            "run edgekit as a user whom the system knows by name",
        ) from error


def ssh_config(name: str, root: Path, home: Path, keys: Path) -> str:
    """An SSH config with one host, whose ProxyCommand starts the board."""
    words = [sys.executable, "-P", "-m", "edgekit.devices.virtual.start", name, str(root), str(home), str(keys)]
    settings = {
        "ProxyCommand": shlex.join(words).replace("%", "%%"),
        "User": account(),
        "IdentityFile": f'"{keys / "client"}"',
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "HostKeyAlias": name,
        "UserKnownHostsFile": f'"{keys / "known_hosts"}"',
        "GlobalKnownHostsFile": "none",
        "StrictHostKeyChecking": "yes",
    }
    return f"Host {name}\n" + "".join(f"    {key} {value}\n" for key, value in settings.items())
