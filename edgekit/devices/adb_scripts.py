"""The scripts that only a phone needs; its shell is mksh, its tools are toybox's."""

from __future__ import annotations

import shlex

BASE = "/data/local/tmp/edgekit"
"""Our folder on a phone: the one place where a phone's shell user may write files and run them."""

OPEN = """
trap '' HUP
base=$3
mkdir -p "$base/files" "$base/runs" || exit 1
command -v flock >/dev/null || { echo "edgekit: no flock" >&2; exit 127; }
exec 9>>"$base/lock" || exit 1
flock -n 9 9>&9 || { printf 'busy %s\\n' "$(cat "$base/owner")"; exit 75; }
printf '%s\\n' "$1" >"$base/owner" || exit 1
rm -rf "$base"/runs/*
find "$base/files" -type f -mtime +30 -exec rm -f {} +
run="$base/runs/$2"
mkdir "$run" || exit 1
printf 'edgekit-ready %s\\n' "$base"
read -r _
rm -rf "$run" || { sleep 1; rm -rf "$run"; }
"""
"""Take the phone ($1: who takes it, $2: name of the run, $3: our folder) until stdin ends, then clean up.

As over SSH, but: adb hangs up on a shell whose connection breaks, and it has to clean up nevertheless; and mksh keeps
descriptors above 2 to itself unless a command is given them. The kernel frees the lock of a shell that died.
"""

DONE = "edgekit-done"
WHOLE = f"""
script=$1
shift
sh -c "$script" edgekit "$@"
code=$?
printf '{DONE}\\n' >&2
exit $code
"""
"""Run a script ($1, then its arguments) and say on stderr that it ended: where the connection breaks, adb's client ends
with exit code 0 as if all were well."""


def remote(script: str, *arguments: str) -> str:
    """The command for the phone's shell that runs ``script`` with ``arguments``, each quoted once."""
    return shlex.join(["exec", "sh", "-c", script, "edgekit", *arguments])
