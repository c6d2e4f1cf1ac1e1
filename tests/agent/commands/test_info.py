from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from edgekit.types import DeviceInfo, DeviceState

Ask = Callable[..., dict[str, Any]]


def test_info_and_state_fit_the_vocabulary(ask: Ask) -> None:
    value = ask("info")
    info = DeviceInfo.model_validate_json(json.dumps(value["info"]))
    assert info.cores >= 1
    assert info.cpu
    assert value["versions"]["numpy"] == np.__version__
    DeviceState.model_validate_json(json.dumps(value["state"]))
    DeviceState.model_validate_json(json.dumps(ask("state")))
