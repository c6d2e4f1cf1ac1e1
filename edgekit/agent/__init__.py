"""The program that runs on the measured machine: ``python agent.pyz REQUEST.json``, here ``python -m edgekit.agent``.

Python 3.7 or later, needing only numpy and the runtime that is asked for. It imports nothing of edgekit outside of this
package, and the modules here by relative imports only: edgekit.bench.agent_archive packs them into the one file that is
copied to a device. JSON lines go to stdout: progress ``{"event": ...}`` and one last line, either
``{"ok": true, "value": {...}}`` (exit code 0) or ``{"ok": false, "kind": ..., "message": ...}`` (exit code 1).

The commands (``request["command"]``) are in :mod:`.commands`; the function of each name says what it takes and returns.
With ``cores`` the process is pinned first, see :func:`.cores.pin`. Element types are numpy's names ("float32", "int8").
"""
