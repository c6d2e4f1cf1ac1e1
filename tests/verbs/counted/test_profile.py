from __future__ import annotations

import pytest

from edgekit.devices.inventory import find_device
from edgekit.errors import UsageError
from edgekit.verbs.counted.profile import CountedRun, split


def test_boards_that_count_and_devices_that_measure_are_not_mixed() -> None:
    names = ("sim-rpi4", "sim-rpi5", "local")
    assert split([find_device(name) for name in names[:2]])
    assert not split([find_device(names[2])])
    with pytest.raises(UsageError, match="sim-rpi4, sim-rpi5 counts and the others measure"):
        split([find_device(name) for name in names])


def test_one_failure_is_raised_itself_and_several_are_named() -> None:
    CountedRun().raise_failures()
    error = UsageError("no such batch")
    with pytest.raises(UsageError, match="no such batch"):
        CountedRun(failures=[("a", error)]).raise_failures()
    with pytest.raises(Exception, match="2 of 2 artifacts could not be counted"):
        CountedRun(failures=[("a", error), ("b", error)]).raise_failures()
