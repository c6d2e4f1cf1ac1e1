"""The shell scripts that run on a device; they need only POSIX sh and standard Linux tools.

They are constants: a name or a path reaches them as a positional argument, quoted once for the login shell.
"""

from __future__ import annotations

import os

OPEN = """
base="${XDG_CACHE_HOME:-$HOME/.cache}/edgekit"
mkdir -p "$base/files" "$base/runs" || exit 1
command -v flock >/dev/null || { echo "edgekit: no flock" >&2; exit 127; }
exec 9>>"$base/lock" || exit 1
if ! flock -n 9; then
  if [ "$(sed -n 2p "$base/owner")" != "$3" ]; then
    printf 'busy %s\\n' "$(head -n 1 "$base/owner")"
    exit 75
  fi
  for file in "$base"/runs/*/*/.agent; do
    [ -f "$file" ] && kill -s KILL -- "-$(cat "$file")" 2>/dev/null
  done
  kill -s KILL "$(sed -n 3p "$base/owner")"
  for second in 1 2 3 4 5; do
    flock -n 9 && break
    [ $second = 5 ] && exit 75
    sleep 1
  done
fi
printf '%s\\n%s\\n%s\\n' "$1" "$3" "$$" >"$base/owner" || exit 1
rm -rf "$base"/runs/* "$base"/files/*.part
find "$base/files" -type f -mtime +30 -exec rm -f {} +
run="$base/runs/$2"
mkdir "$run" || exit 1
printf 'edgekit-ready %s\\n%s\\n' "$base" "$mark"
read -r _
rm -rf "$run" || { sleep 1; rm -rf "$run"; }
"""
"""Take the device ($1: who takes it, $2: name of the run, $3: of whoever may take it again) until stdin ends, then
clean up; once more where an agent that is just being killed wrote meanwhile.

Whoever holds the lock may remove the runs of others: they are leftovers, and so are files that did not arrive whole.
Files that nobody used for a month go. A connection that broke may hold the lock for hours, until the system there
notices: whoever made it ends what is left of it, its agent too.
"""

LINK = """
base=$1 folder=$2 bytes=$3 name=$4
shift 4
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
[ -n "$name" ] || exit 0
cat >"$folder/$name" && [ "$(wc -c <"$folder/$name")" -eq "$bytes" ] || exit 1
"""
"""Put files that are there by content ($1: base, $2: folder, then after two more digest, bytes, name of each) into a
folder; the digests of the others are printed. What comes on stdin becomes one more file there ($3: bytes, $4: name,
empty for none), whole or the call fails. The folder of the run is not made: when it has been cleaned up, the run is
over."""

SEND = """
part="$1.$$.part"
cat >"$part" && [ "$(wc -c <"$part")" -eq "$2" ] && mv "$part" "$1" && {
  [ $# -eq 2 ] || ln "$1" "$3" 2>/dev/null || cp "$1" "$3"
} && exit 0
rm -f "$part"
exit 1
"""
"""Write stdin to a file ($1: path, $2: bytes), whole or not at all, and put it into a second place ($3) if one is
named; two may send the same at the same time."""

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
printf '%s\\n' "$agent" 2>/dev/null >.agent
wait "$agent"
code=$?
kill "$guard" 2>/dev/null
kill -s KILL -- "-$agent" 2>/dev/null
rm -f .agent
exit $code
"""
"""Run Python ($1: folder, $2: interpreter, then its arguments) in a process group of its own.

The group is killed when our end of stdin closes: when we are cancelled, run out of time, or the connection breaks.
"""

FETCH = 'cat "$1"'
"""Print a file."""


UNPACK = (
    "LC_ALL=C; export LC_ALL; mark=$1; shift; begun=; for word; do shift; "
    'part=$(printf %b. "${word#?}"); part=${part%.}; '
    "case $word in "
    "+*) whole=$whole$part;; "
    '*) [ -z "$begun" ] || set -- "$@" "$whole"; begun=1; whole=$part;; '
    'esac; done; set -- "$@" "$whole"; '
    'printf "\\n%s\\n" "$mark"; script=$1; shift; eval "$script"'
)
"""Put packed arguments together, byte by byte, print the mark ($1) on a line of its own, and run the first as a script.

One line without quotes and exclamation marks within: csh takes no others, and every shell takes this one.
"""
LONGEST_WORD = 500
"""BSD's csh knows no words beyond 1024 characters."""
PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:,@%^- ")


def remote(mark: str, script: str, *arguments: str) -> str:
    """The command for the login shell there, whichever that is, that runs ``script`` with ``arguments`` in sh.

    What the shell's own files print comes before the line ``mark``.
    """
    words = [word for argument in (script, *arguments) for word in packed(argument)]
    return " ".join(["exec /bin/sh -c", f"'{UNPACK}'", "edgekit", mark, *(f"'{word}'" for word in words)])


def packed(argument: str) -> list[str]:
    """An argument as words that no shell changes: bytes with a meaning as ``printf %b`` takes them, in octal."""
    words, current = [], "="
    for byte in os.fsencode(argument):
        coded = chr(byte) if byte in PLAIN else f"\\0{byte:03o}"
        if len(current) + len(coded) > LONGEST_WORD:
            words.append(current)
            current = "+"
        current += coded
    return [*words, current]
