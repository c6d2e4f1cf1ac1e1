from __future__ import annotations

import pytest

from edgekit.devices.boards import boards
from edgekit.devices.virtual.likeness import core_name, is_board, likeness_of
from edgekit.devices.virtual.simulated import SIMULATED
from edgekit.errors import UsageError
from edgekit.types import Device


@pytest.mark.parametrize(
    ("kind", "simulated", "mhz"),
    [
        ("rpi4", "sim-rpi4", 1800),
        ("rpi5", "sim-rpi5", 2400),
        ("rpi_zero2", "sim-a53", 1000),
        ("rock5b", "sim-rpi5", 2400),
    ],
)
def test_a_board_is_played_by_a_core_of_its_kind_at_its_own_clock(kind: str, simulated: str, mhz: int) -> None:
    """By the kind's name, and by the entry of a device that has the kind."""
    device = Device(id="kitchen", transport="ssh", address="kitchen.local", board=kind)
    for found in (likeness_of(kind, None), likeness_of("kitchen", device)):
        assert (found.board.name, found.clock_mhz) == (simulated, mhz)
        assert simulated in found.words
        assert core_name(found.board) in found.words


def test_a_simulated_board_plays_itself() -> None:
    for name, board in SIMULATED.items():
        found = likeness_of(name, None)
        assert (found.board, found.clock_mhz) == (board, board.khz[1] // 1000)


def test_what_is_unknown_or_has_no_model_is_refused() -> None:
    with pytest.raises(UsageError, match="Cortex-A57"):
        likeness_of("jetson_nano", None)
    with pytest.raises(UsageError, match="what kind of board kitchen is"):
        likeness_of("kitchen", Device(id="kitchen", transport="ssh", address="kitchen.local"))
    with pytest.raises(UsageError, match="unknown board"):
        likeness_of("rpi44", None)
    assert is_board("rpi4")
    assert not is_board("kitchen")


def test_the_cores_are_those_that_boards_are_made_of() -> None:
    """Names agree with ``boards.toml``, or no board would ever be played."""
    cores = {cluster.core for board in boards().values() for cluster in board.clusters}
    assert {core_name(SIMULATED[name]) for name in ("sim-rpi4", "sim-rpi5", "sim-a53")} <= cores
