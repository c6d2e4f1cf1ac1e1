"""Power and the energy of one inference during a launch of ``benchmark_model``, read from the phone's battery.

A shell there reads the gauge while the runner works; the agent's rules judge it (``edgekit.agent.battery``).
"""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from ...agent.battery.discharge import discharge, not_discharging
from ...agent.battery.dumpsys import look_at_dumpsys
from ...agent.battery.gauges import SUPPLY_FILES, looks_of, tells
from ...agent.battery.meter import GAUGE_REST_S, GAUGE_WINDOW_S
from ...base.listener import ExcessError, Listener
from ...errors import ToolError
from .phone import CALL_S, LAUNCH_S, Phone

Looks = list[dict[str, Any]]
"""Looks at the gauge, each a dict as ``edgekit/agent`` has it: the agent's package shares no types with edgekit."""

LONGEST_LINE, MOST_LINES = 1 << 16, 10_000
"""Of what a look at the gauge prints: bytes, and lines."""
BY_HAND = "what does it say by hand? adb shell dumpsys battery"
MARK = "== gauge"
WATCH = f"""
while printf '{MARK}\\n'; do
  told=$(grep -s '' {" ".join(f"/sys/class/power_supply/*/{name}" for name in SUPPLY_FILES)})
  printf '%s\\n' "$told"
  case $told in *_now:*|*charge_counter:*) ;; *) dumpsys battery ;; esac
  printf '{MARK} end\\n'
  [ "$1" = once ] && break
  sleep 0.5
done
"""
"""Looks at the gauge until nobody reads; Android's battery service is asked where the files are closed."""


class Watcher:
    """Collects looks at the phone's batteries, with our clock's time of each.

    Attributes:
        looks: by battery, in order.
    """

    def __init__(self) -> None:
        self.looks: dict[str, Looks] = {}

    def read(self, heard: Listener, deadline: float) -> None:
        """Take what ``WATCH`` prints until it ends.

        Raises:
            ToolError: it prints something else, without end.
        """
        part: list[str] = []
        try:
            while len(part) <= MOST_LINES and (line := heard.line(deadline)):
                text = line.decode(errors="replace")
                if text.strip() == f"{MARK} end":
                    for name, look in look_of("".join(part), time.perf_counter_ns()).items():
                        self.looks.setdefault(name, []).append(look)
                elif text.strip() == MARK:
                    part = []
                else:
                    part.append(text)
        except ExcessError as error:
            raise ToolError(f"watched for its battery, the phone {error}", BY_HAND) from error
        if len(part) > MOST_LINES:
            raise ToolError(f"the phone printed more than {MOST_LINES} lines for one look at its battery", BY_HAND)


def look_of(printed: str, t_ns: int) -> dict[str, dict[str, Any]]:
    """A look at every battery from one turn of ``WATCH``."""
    supplies: dict[str, dict[str, str]] = {}
    for line in printed.splitlines():
        path, colon, value = line.partition(":")
        if colon and path.startswith("/sys/class/power_supply/"):
            *_, supply, name = path.split("/")
            supplies.setdefault(supply, {}).setdefault(name, value.strip())
    found = looks_of(supplies, t_ns)
    return found if tells(found) else look_at_dumpsys(printed, t_ns) or found


@contextmanager
def watching(phone: Phone, longest_s: float) -> Iterator[Watcher]:
    """Look at the gauge there during the block, ``longest_s`` at most.

    Raises:
        ToolError: the phone prints something else, without end.
    """
    watcher = Watcher()
    command = [*phone.way, shlex.join(["exec", "sh", "-c", WATCH, "edgekit", "on"])]
    # In our process group, so that it ends with us, however that is.
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdin is not None
    heard = Listener(child, LONGEST_LINE)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(watcher.read, heard, time.monotonic() + longest_s)
        try:
            yield watcher
        finally:
            child.kill()
            child.wait()
            child.stdin.close()
            heard.close()
        reading.result()


def battery_energy(phone: Phone, request: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """The energy of inferences, a domain for each battery as the agent tells it, and why there is none of others.

    A launch of its own, as long as a gauge needs; and before it the phone is watched at rest.
    """
    _code, printed = phone.shell(WATCH, "once")
    notes = {name: not_discharging(look) for name, look in look_of(printed, 0).items()}
    if not notes:
        return [], "the phone reports nothing about its battery: neither sysfs nor dumpsys"
    usable = [name for name, why in notes.items() if not why]
    if not usable:
        return [], said(notes)
    rest_s, window_s = (float(request.get("gauge_rest_s", GAUGE_REST_S)),
                        float(request.get("gauge_window_s", GAUGE_WINDOW_S)))  # fmt: skip
    with watching(phone, rest_s + CALL_S) as resting:
        time.sleep(rest_s)
    with watching(phone, 2 * window_s + LAUNCH_S) as working:
        output = phone.launch(request, num_runs="1", min_secs=f"{window_s:g}", max_secs=f"{2 * window_s + 30:g}",
                              warmup_runs="1", warmup_min_secs=str(request["warmup_min_s"]))  # fmt: skip
        end_ns = time.perf_counter_ns()
    # The runner loads and warms up first, so the inferences are what came last.
    values = output.inference.values
    seconds = output.inference.count * values.get("avg", values.get("curr", 0.0)) / 1e6
    domains = []
    for name in usable:
        looks = [one for one in working.looks.get(name, []) if end_ns - seconds * 1e9 <= one["t_ns"] <= end_ns]
        found, notes[name] = discharged(looks)
        if found is not None:
            rest, _ = discharged(resting.looks.get(name, []))
            domains.append({"domain": name, "spent_uj": round(found[0] * seconds * 1e6), "window_s": seconds,
                            "idle_w": None if rest is None else rest[0], "inferences": output.inference.count,
                            "updates": found[1]})  # fmt: skip
    return domains, said(notes)


def discharged(looks: Sequence[dict[str, Any]]) -> tuple[tuple[float, int] | None, str]:
    """As the agent's ``discharge``; of a single look, or none, that it is too few."""
    if len(looks) < 2:
        return None, f"it was seen {len(looks)} times in the window"
    return discharge(looks)


def said(notes: dict[str, str]) -> str:
    """The reasons in one line."""
    return "; ".join(f"battery {name}: {why}" for name, why in sorted(notes.items()) if why)
