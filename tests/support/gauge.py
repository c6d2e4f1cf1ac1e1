"""A battery's gauge made of files."""

from __future__ import annotations

import shlex
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgekit.devices.virtual.files import write_files


@dataclass
class Gauge:
    """A battery's gauge below a folder that a mount namespace shows as ``/sys``."""

    sys: Path

    def write(self, **files: object) -> None:
        """Write files of power supplies; ``__`` in a name stands for a slash."""
        write_files(
            self.sys, {f"class/power_supply/{name.replace('__', '/')}": str(text) for name, text in files.items()}
        )

    @property
    def below(self) -> list[str]:
        """Runs the command that follows where the folder is ``/sys``."""
        script = f'mount --rbind {shlex.quote(str(self.sys))} /sys && exec "$@"'
        return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]

    @contextmanager
    def moving(self, every_s: float, **more: Callable[[int], object]) -> Iterator[None]:
        """Let the current wobble about 0.5 A each ``every_s`` until the block ends; ``more`` files, by the turn."""
        over = threading.Event()

        def run() -> None:
            turn = 0
            while not over.wait(every_s):
                shown = {name: show(turn) for name, show in more.items()}
                for name, text in {"battery__current_now": -(500_000 + 1000 * (turn % 7)), **shown}.items():
                    part = self.sys.parent / "part"
                    part.write_text(f"{text}\n")
                    part.rename(self.sys / "class/power_supply" / name.replace("__", "/"))
                turn += 1

        writer = threading.Thread(target=run)
        writer.start()
        try:
            yield
        finally:
            over.set()
            writer.join()


@pytest.fixture
def gauge(tmp_path: Path) -> Gauge:
    """A battery of 4 V that discharges with 0.5 A."""
    if subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], check=False).returncode:
        pytest.skip("needs user namespaces")
    made = Gauge(tmp_path / "sys")
    made.write(usb__type="USB", usb__online=0, battery__type="Battery", battery__voltage_now=4_000_000,
               battery__status="Discharging", battery__current_now=-500_000)  # fmt: skip
    return made
