"""Install PyTorch's CPU build before pip takes the one for CUDA, gigabytes that edgekit has no use for.

PyTorch keeps the CPU builds on an index of its own. Where it does not answer, this installs nothing: pip then takes
what its own index has, and this says how much that is. Called as ``cpu_torch.py CONSTRAINTS PACKAGE…`` by the Python
of the environment. ``TORCH_INDEX`` names another index; empty, none is asked.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, url2pathname, urlopen

INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_S = 2.0
ASK = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2])).read(1)"
PIP = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--quiet"]


def main(constraints: Path, packages: list[str]) -> None:
    """Install those of ``packages`` that are not there yet in the version that ``constraints`` names."""
    if sys.platform != "linux":  # elsewhere pip's own index has CPU builds
        return
    pins = [pin for pin in (pinned(constraints, package) for package in packages) if not installed(pin)]
    if not pins:
        return
    index = os.environ.get("TORCH_INDEX", INDEX)
    if index and answers(f"{index}/torch/"):
        print(f"installing {' '.join(pins)} for the CPU from {index}", flush=True)
        if subprocess.run([*PIP, "--no-deps", "--index-url", index, *pins], check=False).returncode == 0:
            return
        print("that failed; going on with what pip finds by itself", flush=True)
    elif index:
        print(
            f"{index}, which has PyTorch's CPU builds, does not answer: pip takes what it finds by itself", flush=True
        )
    print(what_pip_finds(constraints, pins), flush=True)


def pinned(constraints: Path, package: str) -> str:
    """The requirement of a package, ``torch==2.13.0``."""
    return next(line for line in constraints.read_text().splitlines() if line.startswith(f"{package}=="))


def installed(pin: str) -> bool:
    """Whether that version is there, of whatever build."""
    package, _, version = pin.partition("==")
    try:
        return metadata.version(package).partition("+")[0] == version
    except metadata.PackageNotFoundError:
        return False


def answers(url: str) -> bool:
    """Whether a server answers at once; in a child, since looking up a name has no time limit."""
    try:
        command = [sys.executable, "-c", ASK, url, str(PROBE_S)]
        return subprocess.run(command, capture_output=True, check=False, timeout=PROBE_S).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def what_pip_finds(constraints: Path, pins: list[str]) -> str:
    """What pip would download for these packages, in words."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        command = [*PIP, "--dry-run", "--report", str(file), "-c", str(constraints), *pins]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"pip cannot say what it would take: {done.stderr.strip().splitlines()[-1:]}"
        found = json.loads(file.read_text())["install"]
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(size_of, [one["download_info"]["url"] for one in found]))
    known = sum(size for size in sizes if size is not None)
    names = [one["metadata"]["name"] for one in found]
    cuda = sum(bool(re.match(r"nvidia|cuda|triton", name)) for name in names)
    text = f"for {' '.join(pins)} pip takes {len(found)} packages, "
    text += f"{'at least ' if None in sizes else ''}{known / 1e6:,.0f} MB"
    return text + (f", {cuda} of them for CUDA; TORCH_INDEX=URL names an index with CPU builds" if cuda else "")


def size_of(url: str) -> int | None:
    """Bytes of what a URL leads to; None where nobody says."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "file":
            return Path(url2pathname(parts.path)).stat().st_size
        # The address is of pip's own report, for the index that the caller chose; its size alone is read.
        with urlopen(Request(url, method="HEAD"), timeout=PROBE_S) as answer:  # nosec B310
            return int(answer.headers["Content-Length"])
    except (OSError, TypeError, ValueError):
        return None


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
