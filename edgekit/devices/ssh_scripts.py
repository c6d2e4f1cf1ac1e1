"""The shell scripts that run on a device; POSIX sh, and what every Linux there has.

They are constants: a name or a path reaches them as a positional argument, quoted once for the login shell.
"""

from __future__ import annotations

import shlex

OPEN = """
base="${XDG_CACHE_HOME:-$HOME/.cache}/edgekit"
mkdir -p "$base/files" "$base/runs" || exit 1
command -v flock >/dev/null || { echo "edgekit: no flock" >&2; exit 127; }
exec 9>>"$base/lock" || exit 1
flock -n 9 || { printf 'busy %s\\n' "$(cat "$base/owner")"; exit 75; }
printf '%s\\n' "$1" >"$base/owner" || exit 1
rm -rf "$base"/runs/*
find "$base/files" -type f -mtime +30 -exec rm -f {} +
run="$base/runs/$2"
mkdir "$run" || exit 1
printf 'edgekit-ready %s\\n' "$base"
read -r _
rm -rf "$run" || { sleep 1; rm -rf "$run"; }
"""
"""Take the device ($1: who takes it, $2: name of the run) until stdin ends, then clean up; once more
where an agent that is just being killed wrote meanwhile.

Whoever holds the lock may remove the runs of others: they are leftovers. Files that nobody used for a month go.
"""

LINK = """
base=$1 folder=$2
shift 2
[ -d "$folder" ] || mkdir "$folder" || exit 1
while [ $# -gt 0 ]; do
  kept="$base/files/$1"
  if [ -f "$kept" ] && [ "$(wc -c <"$kept")" -eq "$2" ]; then
    touch "$kept"
    ln "$kept" "$folder/$3" 2>/dev/null || cp "$kept" "$folder/$3" || exit 1
  else
    printf 'missing %s\\n' "$1"
  fi
  shift 3
done
"""
"""Put files that are there by content ($1: base, $2: folder, then digest, bytes, name of each) into a folder; the
digests of the others are printed. The folder of the run is not made: when it has been cleaned up, the run is over."""

SEND = """
part="$1.$$.part"
cat >"$part" && [ "$(wc -c <"$part")" -eq "$2" ] && mv "$part" "$1" && exit 0
rm -f "$part"
exit 1
"""
"""Write stdin to a file ($1: path, $2: bytes), whole or not at all; two may send the same at the same time."""

RUN = """
cd "$1" || exit 1
python=$2
shift 2
command -v "$python" >/dev/null || { echo "edgekit: no python: $python" >&2; exit 127; }
exec 3<&0
setsid "$python" "$@" </dev/null 3<&- &
agent=$!
{ read -r _; kill -s KILL -- "-$agent"; } <&3 >/dev/null 2>&1 &
guard=$!
exec 3<&-
wait "$agent"
code=$?
kill "$guard" 2>/dev/null
kill -s KILL -- "-$agent" 2>/dev/null
exit $code
"""
"""Run Python ($1: folder, $2: interpreter, then its arguments) in a process group of its own.

The group is killed when our end of stdin closes: when we are cancelled, run out of time, or the connection breaks.
"""

FETCH = 'cat "$1"'
"""Print a file."""


def remote(script: str, *arguments: str) -> str:
    """The command for the login shell there, whichever that is, that runs ``script`` with ``arguments`` in sh."""
    return shlex.join(["exec", "env", "LC_ALL=C", "/bin/sh", "-c", script, "edgekit", *arguments])
