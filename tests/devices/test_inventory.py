from __future__ import annotations

import pytest

from edgekit.devices.inventory import find_device
from edgekit.errors import UsageError
from edgekit.types import Device


def test_local_is_this_machine() -> None:
    assert find_device("local") == Device(id="local", transport="local")


@pytest.mark.parametrize(("name", "hint"), [("locla", "did you mean local?"), ("rpi4", "known: local")])
def test_an_unknown_device_says_what_to_do(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"unknown device '{name}'") as caught:
        find_device(name)
    assert caught.value.hint.startswith(hint)
    assert "edgekit profile --device local" in caught.value.hint
