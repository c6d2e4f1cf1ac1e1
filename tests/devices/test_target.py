from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.devices.inventory import find_device
from edgekit.devices.target import common_target, mismatch, target_of
from edgekit.errors import UsageError
from edgekit.types import Device


def test_the_board_or_the_core_that_is_played_says_the_class() -> None:
    assert target_of(Device(id="pi", transport="ssh", address="10.0.0.4", board="rpi4")) == "armv8.0"
    assert target_of(Device(id="box", transport="ssh", address="10.0.0.5")) is None
    names = (
        "sim-rpi4",
        "sim-rpi5",
        "sim-a53",
        "sim-neoverse-n1",
        "virtual-rpi5",
        "virtual-phone",
        "local",
        "sim-x86-avx2",
    )
    assert [target_of(find_device(name)) for name in names] == [
        "armv8.0", "armv8.2-dot", "armv8.0", "armv8.2-dot", "armv8.2-dot", "armv8.2-dot", None, "x86-avx2"
    ]  # fmt: skip
    with pytest.raises(UsageError, match="unknown board"):
        target_of(Device(id="pi", transport="ssh", address="10.0.0.4", board="rpi44"))


def test_devices_of_several_classes_have_none_in_common() -> None:
    assert common_target([find_device("sim-rpi4"), find_device("sim-a53")]) == "armv8.0"
    assert common_target([find_device("sim-rpi4"), find_device("sim-rpi5")]) is None


def test_an_artifact_for_another_class_is_told_and_files_of_others_are_for_none(tiny: Path) -> None:
    artifact = read_manifest(tiny / "tflite-int8").artifact.model_copy(update={"target": "x86-vnni"})
    told = mismatch(artifact, find_device("sim-rpi4"))
    assert told is not None
    assert "was made for x86-vnni, sim-rpi4 is armv8.0" in told
    assert mismatch(artifact.model_copy(update={"target": "armv8.0"}), find_device("sim-rpi4")) is None
    assert mismatch(artifact.model_copy(update={"origin": "model.tflite"}), find_device("sim-rpi4")) is None
    assert mismatch(artifact, find_device("local")) is None
