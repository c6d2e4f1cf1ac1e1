"""The command ``install``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from ..protocol import AgentError, Json, emit


def install(request: Json) -> Json:
    """``install``: a virtual environment of its own with ``requirements`` from the wheels in a folder, offline.

    Takes venv (path, ``~`` is ours), wheels (a file in the folder of wheels) and pip (name of pip's own wheel there,
    which runs without being installed, so that no ensurepip is needed). Value: python, versions.
    """
    folder = os.path.dirname(os.path.abspath(request["wheels"]))
    venv = os.path.expanduser(request["venv"])
    python = os.path.join(venv, "bin", "python")
    pip = [python, os.path.join(folder, request["pip"], "pip"), "install", "--no-index", "--find-links", folder]
    steps = [
        ("make a virtual environment", [sys.executable, "-m", "venv", "--without-pip", venv]),
        ("install", pip + ["--disable-pip-version-check", "--upgrade"] + request["requirements"]),
        ("ask for versions", [python, "-c", VERSIONS_PROGRAM]),
    ]
    said = ""
    for what, command in steps:
        emit({"event": what})
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        said = done.stdout.decode(errors="replace").strip()
        if done.returncode:
            raise AgentError("install", "cannot %s in %s: %s" % (what, venv, " ".join(said.splitlines()[-3:])))
    return {"python": python, "versions": json.loads(said.splitlines()[-1])}


VERSIONS_PROGRAM = """
import json
try:
    from importlib import metadata
    found = {d.metadata["Name"].lower(): d.version for d in metadata.distributions()}
except ImportError:
    import pkg_resources
    found = {d.key: d.version for d in pkg_resources.working_set}
print(json.dumps(found))
"""
"""The packages that an interpreter has, by name."""
