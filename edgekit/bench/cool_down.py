"""Between two measurements: wait until the device is about as cool as it was before the first."""

from __future__ import annotations

import time

from ..base.progress import Note, Progress, Step
from ..types.answers import StateAnswer
from .launch import Transport, ask_agent

TOLERATED_RISE_C = 3.0
LONGEST_S = 180.0
PAUSE_S = 5.0
LAUNCH_S = 60.0


class CoolDown:
    """Remembers the temperature at which the first measurement began; later ones wait for it.

    It never waits for a device without a readable sensor.

    Attributes:
        start_c: hottest sensor before the first measurement, or None.
        longest_s: after that the next measurement begins anyway, and its state tells the temperature.
    """

    def __init__(self, transport: Transport, longest_s: float = LONGEST_S, pause_s: float = PAUSE_S) -> None:
        self.transport = transport
        self.longest_s = longest_s
        self.pause_s = pause_s
        self.start_c: float | None = None
        self.readable = True

    def wait(self, progress: Progress) -> None:
        """Return when the device is cool again, or ``longest_s`` have passed.

        Raises:
            ToolError: the device does not answer.
        """
        if not self.readable:
            return
        deadline = time.monotonic() + self.longest_s
        now = self.hottest_c()
        if now is None:
            self.readable = False
            return
        if self.start_c is None:
            self.start_c = now
        while now is not None and now > self.start_c + TOLERATED_RISE_C:
            if time.monotonic() > deadline:
                progress(Note(f"going on at {now:.0f} °C: not cooler after {self.longest_s:.0f} s"))
                return
            progress(Step(f"cooling down: {now:.0f} °C, waiting for {self.start_c + TOLERATED_RISE_C:.0f} °C"))
            time.sleep(self.pause_s)
            now = self.hottest_c()

    def hottest_c(self) -> float | None:
        """The highest temperature that any sensor tells, degrees Celsius."""
        readings = ask_agent(StateAnswer, self.transport, {}, {}, LAUNCH_S, "reading the temperature").temperature_c
        return max(readings.values()) if readings else None
