"""The command ``bench``."""

from __future__ import annotations

import gc
import time
from typing import Any, Callable, Dict, List, Optional

from ..battery.meter import GAUGE_REST_S, GAUGE_WINDOW_S, BatteryMeter
from ..contention import Watch
from ..cores import affinity
from ..inputs import set_inputs
from ..machine import machine
from ..power import EnergyMeter, energy_note, power_at_rest
from ..protocol import Json, emit
from ..rows import run_rows
from ..runtimes.base import Runtime
from ..runtimes.choose import load_model, make_runtime
from ..runtimes.litert import LiteRT
from ..sampling import measure, relative_half_width, sample, warm_up
from ..state import state
from ..versions import versions


def slowed(run: Callable[[], Any], handicap: Json) -> Callable[[], Any]:
    """``run``, or ``run`` and then ``busy_ns`` of doing nothing useful: for tests of what watches the latency."""
    busy_ns, clock = handicap.get("busy_ns", 0), time.perf_counter_ns
    if not busy_ns:
        return run

    def run_slowly() -> None:
        run()
        until = clock() + busy_ns
        while clock() < until:
            pass

    return run_slowly


def bench(request: Json) -> Json:
    """``bench``: the latency of one inference; raw samples, nanoseconds.

    Takes runtime, model, threads, inference_precision, input or seed, and the limits read in :func:`warm_up` and
    :func:`measure` with ``max_s`` for each of the two. With ``energy`` the counters of :func:`energy_counters` are
    read around the measured inferences, and over ``IDLE_S`` of doing nothing before all else; a battery that discharges
    is watched over inferences of its own afterwards, ``gauge_window_s`` at most, and at rest, ``gauge_rest_s`` at most,
    before all else (see :class:`BatteryMeter`). ``handicap`` exists to test the gate: ``busy_ns`` is added to every
    inference, ``threads`` replaces the stated number, ``no_delegate`` takes XNNPACK from LiteRT.
    With ``check_inputs`` the same process runs that file's rows at the end, and writes
    ``check_outputs``, see :func:`run_rows`.

    Value: load_ns, first_inference_ns, warmup_ns, samples_ns, ended_by, half_width, settings, versions, info, affinity,
    energy (list of ``{domain, spent_uj, window_s, idle_w}``, of a battery with ``inferences`` and ``updates``, or None,
    and in energy_note why what is there tells nothing), state_before, state_after.
    """
    max_s = request.get("max_s", 20.0)
    handicap = request.get("handicap", {})
    runtime = make_runtime(dict(request, threads=handicap.get("threads", request.get("threads", 1))))
    if isinstance(runtime, LiteRT):
        runtime.no_delegate = bool(handicap.get("no_delegate"))
    meter = EnergyMeter() if request.get("energy") else None
    idle_w: Dict[str, float] = {}
    if meter is not None and meter.folders:
        emit({"event": "energy at rest"})
        idle_w = power_at_rest(meter)
    battery: Optional[BatteryMeter] = None
    battery_w: Dict[str, float] = {}
    if request.get("energy"):
        battery = BatteryMeter(request.get("gauge_window_s", GAUGE_WINDOW_S), request.get("gauge_rest_s", GAUGE_REST_S))
        if battery.names:
            emit({"event": "battery at rest"})
            battery_w = battery.rest()
    before = state()
    emit({"event": "load"})
    load_ns = load_model(runtime, request)
    set_inputs(runtime, request)
    run_once = slowed(runtime.run, handicap)
    first = [0]
    sample(run_once, first, 0, 1, 0)
    runtime.prove(request["model"])
    gc.collect()
    gc.disable()
    try:
        emit({"event": "warm-up"})
        warmup = warm_up(run_once, request, max_s)
        emit({"event": "measure"})
        if meter is not None:
            meter.start()
        watch = Watch()
        samples, ended_by = measure(run_once, request, max_s)
        contention = watch.stop()
        spent, window_s = meter.stop() if meter is not None else ({}, 0.0)
    finally:
        gc.enable()
    told = described(runtime, load_ns, first[0], warmup, samples, before)
    energy = [
        {"domain": name, "spent_uj": spent[name], "window_s": window_s, "idle_w": idle_w.get(name)} for name in spent
    ]
    notes = [] if energy or meter is None else [energy_note()]
    if battery is not None:
        if battery.names:
            emit({"event": "battery"})
        energy += battery.spent(run_once, battery_w)
        notes.append(battery.note())
    note = "; ".join(note for note in notes if note)
    if "check_inputs" in request:
        emit({"event": "check of the outputs"})
        run_rows(runtime, request["check_inputs"], request["check_outputs"])
    return dict(told, ended_by=ended_by, contention=contention, energy=energy or None, energy_note=note)


def described(
    runtime: Runtime, load_ns: int, first_ns: int, warmup: List[int], samples: List[int], before: Json
) -> Json:
    """The answer of a measured launch, with another look at the device."""
    return {
        "runtime_version": runtime.version,
        "settings": runtime.settings,
        "delegation": runtime.delegation,
        "load_ns": load_ns,
        "first_inference_ns": first_ns,
        "warmup_ns": warmup,
        "samples_ns": samples,
        "half_width": relative_half_width(samples),
        "state_before": before,
        "state_after": state(),
        "info": machine(),
        "affinity": affinity(),
        "versions": versions(),
    }
