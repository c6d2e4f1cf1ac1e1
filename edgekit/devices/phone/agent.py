"""The agent of a phone without Python: it runs here, speaks the agent's protocol, and runs ``benchmark_model`` there.

``python -m edgekit.devices.phone.agent REQUEST.json RUNNER WAY``: the runner's path on the phone, and, as JSON, the
command line that runs a shell command there. Commands: ``info``, ``state``, ``bench``, ``memory``, ``per_op``.
Requests and answers are dicts as in ``edgekit/agent``: JSON, which the process that asked checks.

``benchmark_model`` prints aggregates, no samples. A launch of two inferences gives both away (the least and the most),
so the samples are those of many launches, each with its own warm-up; nothing is derived from an average.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from ...base.stats import relative_half_width
from ...errors import EdgekitError, ToolError
from . import state as phone_state
from .battery import battery_energy
from .performance import fixed_performance
from .phone import RUN, Phone, RefusedError, on_gpu

PER_LAUNCH = 2


def info(phone: Phone, _request: dict[str, Any]) -> dict[str, Any]:
    """As the agent's ``info``."""
    look = phone.look()
    _code, usage = phone.shell(RUN, phone.runner.rpartition("/")[0], phone.runner, "--help")
    return {"info": phone_state.info(look), "versions": {}, "state": phone_state.state(look),
            "free": phone_state.free(look), "glibc": "", "runner": "--graph" in usage}  # fmt: skip


def state(phone: Phone, _request: dict[str, Any]) -> dict[str, Any]:
    """As the agent's ``state``."""
    return phone_state.state(phone.look())


def bench(phone: Phone, request: dict[str, Any]) -> dict[str, Any]:
    """As the agent's ``bench``, in the fixed performance mode where the phone has it."""
    with fixed_performance(phone.way) as mode:
        if mode != "on":
            emit({"event": f"fixed performance mode {mode}"})
        measured = measure(phone, request)
    measured["settings"]["fixed performance mode"] = mode
    return measured


def measure(phone: Phone, request: dict[str, Any]) -> dict[str, Any]:
    """The launches of ``bench``; the first launch is a long one, and its summary is kept beside the samples.

    Raises:
        RefusedError: cores are asked for.
    """
    if request.get("cores") is not None:
        raise RefusedError(
            "benchmark_model cannot be kept on chosen cores", "leave --cores out, or measure with Python there"
        )
    before = phone.look()
    begin = time.monotonic()
    folder = phone.runner.rpartition("/")[0]
    _code, usage = phone.shell(RUN, folder, phone.runner, "--help")
    more = {"result_file_path": f"{folder}/result.pb"} if "--result_file_path" in usage else {}
    long = phone.launch(request, num_runs=str(request["min_iterations"]), min_secs=str(request["min_s"]),
                        max_secs=str(request["max_s"]), warmup_runs=str(request["warmup_min_iterations"]),
                        warmup_min_secs=str(request["warmup_min_s"]), **more)  # fmt: skip
    result = phone.result(more["result_file_path"]) if more else {}
    emit({"event": f"{long.inference.count} inferences"})
    samples: list[int] = []
    deadline = time.monotonic() + request["max_s"]
    launches = 0
    while not enough(samples, request) and (launches < 1 or time.monotonic() < deadline):
        short = phone.launch(request, num_runs=str(PER_LAUNCH), min_secs="0",
                             warmup_runs="1", warmup_min_secs=str(request["warmup_min_s"]))  # fmt: skip
        times = short.inference.samples()
        if times is None:
            raise ToolError(f"benchmark_model made {short.inference.count} inferences where {PER_LAUNCH} were wanted",
                            "edgekit knows TFLite's and LiteRT's benchmark_model; is this another one?")  # fmt: skip
        samples += [max(1, round(us * 1000)) for us in times]
        launches += 1
    spent = time.monotonic() - begin
    after = phone.look()
    energy, energy_note = battery_energy(phone, request) if request.get("energy") else ([], "")
    summary = " ".join(f"{name}={value:g}" for name, value in long.inference.values.items())
    return {
        "info": phone_state.info(before),
        "state_before": phone_state.state(before),
        "state_after": phone_state.state(after),
        "spent_s": spent,
        "samples_ns": samples,
        "warmup_ns": [],
        "load_ns": round(long.init_us * 1000),
        "first_inference_ns": round(long.first_us * 1000),
        "runtime_version": request["runner_version"],
        "versions": {"benchmark_model": request["runner_version"]},
        "settings": {
            "runner": "benchmark_model",
            "samples": f"{PER_LAUNCH} inferences of each of {launches} launches, after a warm-up each",
            "one launch, us": f"count={long.inference.count} {summary}",
            **({"result file": " ".join(f"{name}={value:.6g}" for name, value in result.items())} if result else {}),
        },
        "delegation": on_gpu(long) if request.get("accelerator") == "gpu" else None,
        "energy": energy,
        "energy_note": energy_note,
    }


def enough(samples: list[int], request: dict[str, Any]) -> bool:
    """True when the samples are as many, and as close to each other, as requested."""
    width = relative_half_width(samples) if samples else None
    return len(samples) >= request["min_iterations"] and width is not None and width < request["target_half_width"]


def memory(phone: Phone, request: dict[str, Any]) -> dict[str, Any]:
    """As the agent's ``memory``: the whole process, as the runner saw it while it ran."""
    output = phone.launch(request, num_runs="5", min_secs="0", report_peak_memory_footprint="true")
    return {"baseline_rss_bytes": None, "peak_rss_bytes": output.peak_bytes, "source": "benchmark_model"}


def per_op(phone: Phone, request: dict[str, Any]) -> dict[str, Any]:
    """As the agent's ``per_op``."""
    output = phone.launch(request, num_runs="10", min_secs="0", enable_op_profiling="true")
    if not output.operators:
        return {"per_op": None, "note": "this benchmark_model printed no table of operators"}
    rows = [{"name": name, "type": kind, "ns": round(us * 1000)} for name, kind, us in output.operators]
    return {"per_op": rows, "note": "timed by benchmark_model; a delegate is one operator"}


COMMANDS = {"info": info, "state": state, "bench": bench, "memory": memory, "per_op": per_op}


def emit(message: dict[str, Any]) -> None:
    """Write one JSON line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main(request_file: str, runner: str, way: str) -> int:
    """Answer one request; the exit code."""
    try:
        request = json.loads(Path(request_file).read_text())
        command = COMMANDS.get(request["command"])
        if command is None:
            raise RefusedError(f"benchmark_model cannot do {request['command']!r}; a phone with Python can",
                          'python = "…" of the phone in devices.toml')  # fmt: skip
        if request.get("runtime", "litert") != "litert":
            raise RefusedError(f"benchmark_model runs TFLite files only, not {request['runtime']}'s")
        emit({"ok": True, "value": command(Phone(json.loads(way), runner), request)})
        return 0
    except EdgekitError as error:
        emit({"ok": False, "kind": "runner", "message": str(error) + (f" ({error.hint})" if error.hint else "")})
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
