"""Which simulated board stands for a device: by the core that its board has."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import UsageError
from ...types import Device
from ..boards import Board, boards, find_board
from .boards import VirtualBoard
from .simulated import SIMULATED


@dataclass(frozen=True)
class Likeness:
    """A simulated board in the place of a device.

    Attributes:
        device: the name that was asked for.
        board: what counts.
        clock_mhz: of the device's own core.
        words: what stands for what, for people.
    """

    device: str
    board: VirtualBoard
    clock_mhz: int
    words: str


def core_name(board: VirtualBoard) -> str:
    """The core as ``boards.toml`` writes it: ``Cortex-A72``."""
    return "-".join(part.capitalize() for part in board.cpu.split("-"))


def likeness_of(name: str, device: Device | None) -> Likeness:
    """What stands for a device, or for a kind of board that no entry names.

    Args:
        name: as it was given.
        device: of that name; None where there is none.

    Raises:
        UsageError: nothing says what the device is, or its core has no model.
    """
    if name in SIMULATED:
        board = SIMULATED[name]
        mhz = board.khz[1] // 1000
        return Likeness(name, board, mhz, f"{name}: {core_name(board)} at {mhz / 1e3:g} GHz")
    kind = name if device is None else device.board
    if kind is None:
        raise UsageError(
            f"nothing says what kind of board {name} is",
            f"put board = ... into its entry of devices.toml, or name a simulated board: {', '.join(SIMULATED)}",
        )
    real = find_board(kind)
    board = standing_in(name, real)
    mhz = real.clusters[0].mhz
    words = f"{name}: {board.name} stands for it ({core_name(board)}), at {mhz / 1e3:g} GHz"
    return Likeness(name, board, mhz, words)


def standing_in(name: str, real: Board) -> VirtualBoard:
    """The simulated board with the core of a board's first cluster, the largest one.

    Raises:
        UsageError: there is none.
    """
    core = real.clusters[0].core
    for board in SIMULATED.values():
        if core_name(board) == core:
            return board
    known = ", ".join(f"{one.name} ({core_name(one)})" for one in SIMULATED.values())
    raise UsageError(
        f"{name} has a {core}, and no model of that core is there", f"the cores that are modelled: {known}"
    )


def is_board(name: str) -> bool:
    """Whether ``boards.toml`` knows a kind of board by that name."""
    return name in boards()
