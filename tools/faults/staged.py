"""Faults of devices and networks, which tests bring about, since each needs a device: the table runs these tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .row import SHOWN, Row
from .scenes import ROOT
from .shim import PRELOAD, STATE


@dataclass(frozen=True)
class Staged:
    """A fault that a test brings about."""

    fault: str
    command: str
    promise: str
    test: str


NETWORK = "tests/devices/test_ssh_network.py::test_"
SSH = "tests/devices/test_ssh.py::test_"
PHONE = "tests/devices/test_adb.py::test_"
RACK = "tests/verbs/test_labgrid.py::test_"
BOARD, ANDROID, PLACE = "a board behind ssh", "a phone", "a labgrid place"
STAGED = (
    Staged(
        "the network is cut while the agent runs, and comes back",
        BOARD,
        "lost, with the cause, within the deadline; the next call works",
        f"{NETWORK}the_link_is_cut_while_the_agent_runs_and_comes_back",
    ),
    Staged("a cut that is over soon", BOARD, "no matter", f"{NETWORK}a_cut_that_is_over_soon_is_no_matter"),
    Staged(
        "a slow link (`tc` in a namespace)", BOARD, "all arrives, or the deadline is named", f"{NETWORK}a_slow_link"
    ),
    Staged("sshd dies while a file is sent", BOARD, "sent again", f"{NETWORK}sshd_dies_while_a_file_is_sent"),
    Staged(
        "sshd dies while the agent runs",
        BOARD,
        "lost, with the cause; the next call works",
        f"{NETWORK}sshd_dies_while_the_agent_runs",
    ),
    Staged("the board restarts", BOARD, "waited for", f"{NETWORK}a_device_that_restarts_is_waited_for"),
    Staged("the agent is killed there", BOARD, "3, with the signal's name", f"{SSH}a_killed_agent"),
    Staged("the board's disk is full", BOARD, "3, which says so", f"{SSH}a_full_disk"),
    Staged("the board cannot be written", BOARD, "3, which says so", f"{SSH}a_disk_that_cannot_be_written"),
    Staged(
        "we are killed",
        BOARD,
        "the agent ends, and the board is free again",
        f"{SSH}when_we_are_killed_the_device_is_free_again",
    ),
    Staged(
        "time runs out",
        BOARD,
        "3, which names the limit; nothing is left there",
        f"{SSH}time_runs_out_and_nothing_is_left_there",
    ),
    Staged(
        "the phone's daemon restarts",
        ANDROID,
        "what ran is lost and says so; the next call works",
        f"{PHONE}the_daemon_restarts_in_the_middle",
    ),
    Staged("the agent is killed there", ANDROID, "3, with the signal's name", f"{PHONE}an_agent_that_is_killed_there"),
    Staged("the phone's disk is full", ANDROID, "3, which says so", f"{PHONE}a_full_disk"),
    Staged("no coordinator", PLACE, "3, with its address", f"{RACK}no_coordinator"),
    Staged("a coordinator that says nothing", PLACE, "3, in time", f"{RACK}a_coordinator_that_says_nothing"),
    Staged(
        "the coordinator is killed while we hold a place",
        PLACE,
        "3, with its address; the next run works",
        f"{RACK}the_coordinator_is_killed_while_a_place_is_held",
    ),
    Staged(
        "the place is taken from us",
        PLACE,
        "no verdict stands",
        f"{RACK}no_verdict_stands_when_the_place_was_taken_from_us",
    ),
    Staged(
        "the conversion's time runs out",
        "export",
        "3, which names the limit; nothing is left",
        "tests/verbs/test_export.py::test_time_limit_ends_the_work",
    ),
    Staged(
        "the file of the latest report is on a disk of 256 KB",
        "write_atomic",
        "the old file is kept",
        "tests/base/test_files.py::test_full_disk_keeps_the_old_file",
    ),
)


def staged_rows() -> Iterator[Row]:
    """Run the tests, one program for all, and tell what came of each.

    Raises:
        AssertionError: a test is not there.
    """
    clean = {name: value for name, value in os.environ.items() if name not in (PRELOAD, STATE)}
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n0", f"--junit-xml={told}", *(one.test for one in STAGED)]
        subprocess.run(command, cwd=ROOT, env=clean, stdout=subprocess.DEVNULL, check=False)
        cases = list(ET.parse(told).iter("testcase"))  # our own pytest wrote it  # noqa: S314 # nosec B314
    for one in STAGED:
        path, _, name = one.test.partition("::")
        module = path.removesuffix(".py").replace("/", ".")
        mine = [case for case in cases if (case.get("classname"), case.get("name", "").split("[")[0]) == (module, name)]
        assert mine, f"there is no test {one.test}"
        yield row_of_cases(one, mine)


def row_of_cases(one: Staged, cases: list[ET.Element]) -> Row:
    """What the runs of a test say of its fault."""
    skipped = [case for case in cases if case.find("skipped") is not None]
    bad = [found for case in cases if (found := first(case, "failure", "error")) is not None]
    why = [element.get("message", "")[:300] for element in bad]
    why += [f"not tried: {first(case, 'skipped').get('message', '')}" for case in skipped]  # type: ignore[union-attr]
    tried = len(cases) - len(skipped)
    return Row(one.fault, one.command, one.promise, tried, {}, len(bad), tuple(why[:SHOWN]))


def first(case: ET.Element, *tags: str) -> ET.Element | None:
    """The first element of one of these names."""
    return next((found for tag in tags if (found := case.find(tag)) is not None), None)
