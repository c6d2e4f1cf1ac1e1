"""A device that answers what a test wants, in the agent's words: ``python stand_in.py SCRIPT AGENT REQUEST``.

SCRIPT is JSON: it maps a command to a list of answers (the last one repeats), each merged over a plausible one. The
answer ``{"die": SECONDS}`` ends the process without a word after that time; ``{"real": {...}}`` runs the real agent and
merges over what it says. How often a command was asked is kept beside the script.
"""
# ruff: noqa: T201 - stdout is the protocol

import json
import subprocess
import sys
import time
from pathlib import Path

MACHINE = {"machine": "aarch64", "cpu": "board", "cores": 4, "system": "Linux-6", "python": "3.11", "isa": [],
           "memory_bytes": None, "emulated": False}  # fmt: skip


def chosen(script, command, count):
    """The scripted answer to the ``count``-th (from 0) request of a command."""
    answers = script.get(command, [{}])
    return answers[min(count, len(answers) - 1)]


def plain(command, count):
    """A plausible answer."""
    state = {"unix_time": 1000.0 + count, "load_1m": 0.1, "clock_khz": None, "max_clock_khz": None, "governor": None,
             "temperature_c": None, "throttled": []}  # fmt: skip
    told = {"runtime_version": "1.0", "settings": {"num_threads": 1}}
    return {
        "guard": {"state": state, "sentinel_ns": 1000000, "info": MACHINE, "min_clock_khz": None, "affinity": [0, 1]},
        "inspect": {**told, "executed": [], "delegate": None, "nodes": [], "tensors": [], "inputs": [], "outputs": []},
        "bench": {**told, "load_ns": 1, "first_inference_ns": 1, "warmup_ns": [1], "samples_ns": [1000] * 50,
                  "state_before": state, "state_after": state, "info": MACHINE, "versions": {}, "delegation": None,
                  "energy": None, "energy_note": ""},
        "per_op": {"per_op": None, "note": ""},
        "memory": {"baseline_rss_bytes": None, "peak_rss_bytes": 1000, "source": ""},
    }[command]  # fmt: skip


def main(script_file, agent, request_file):
    """Answer one request as a process."""
    script, command = json.loads(script_file.read_text()), json.loads(Path(request_file).read_text())["command"]
    counter = script_file.with_suffix(f".{command}")
    count = int(counter.read_text()) if counter.exists() else 0
    counter.write_text(str(count + 1))
    answer = chosen(script, command, count)
    if "die" in answer:
        time.sleep(answer["die"])
        sys.exit(7)
    if "real" in answer:
        done = subprocess.run([sys.executable, agent, request_file], stdout=subprocess.PIPE, check=False)
        message = json.loads(done.stdout.splitlines()[-1])
        message["value"].update(answer["real"])
        print(json.dumps(message))
    else:
        print(json.dumps({"ok": True, "value": {**plain(command, count), **answer}}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
