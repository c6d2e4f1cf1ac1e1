"""Find the network's weights in the content of a training file: the table of tensors, and under which key it is.

Trainers write the table alone, or under ``state_dict``, ``model_state_dict``, ``model`` …; some write a second one
beside it, with the exponential moving average (EMA) of the weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import LISTED, SHOWN, UsageError, shown
from .refusals import WAY_OUT
from .safe_load import Inert, full_name

State = dict[str, Tensor]

USUAL = (
    *("state_dict", "model_state_dict", "model", "model_state", "net", "network", "net_state_dict", "weights"),
    *("params", "state", "module", "student", "generator"),
)
"""Keys of the network's table, the likeliest first."""
MOMENTS = ("best", "final", "last", "latest")
"""What a trainer calls the tables of one network at several moments, the likeliest to be meant first."""
MOMENT = re.compile(rf"({'|'.join(MOMENTS)})(?:_|$)")
LIGHTNINGS = {"state_dict", "current_model_state", "averaging_state"}
"""Keys that Lightning's ``WeightAveraging`` writes."""
AVERAGED = re.compile(r"(^|_)(ema|averaged|swa|shadow)(_|$)")
NOT_WEIGHTS = re.compile(r"optim|sched|scaler|callback|loops|hyper|args|config|criterion|(^|_)loss|edgekit$")
DEEPEST = 3


@dataclass(frozen=True)
class Table:
    """A table of tensors in a file.

    Attributes:
        key: where it is, keys joined by dots; empty for the file's own level.
        other: likewise, of the average beside the weights, or of the weights beside the average.
        average: they are an average, though the key does not say so.
        notes: which tables of the same network were left, in words.
    """

    state: State
    key: str = ""
    other: str = ""
    average: bool = False
    notes: tuple[str, ...] = ()


def find_table(content: Any, path: Path, *, ema: bool = False) -> Table:
    """The weights in a file's content: the raw ones, or with ``ema`` their average.

    An average alone is taken without being asked for, and so is the one that Lightning keeps in the weights' place.

    Raises:
        UsageError: no table, several of which none has a usual name, or no average where one is asked for.
    """
    found = list(tables(content)) if isinstance(content, dict) else []
    if not found:
        raise UsageError(f"{path} {what_it_is(content)}", WAY_OUT)
    if lightning := averaged_by_lightning(content, found):
        return lightning
    averages = [table for table in found if is_average(table.key)]
    raw = [table for table in found if not is_average(table.key)]
    if ema and not averages and (len(found) > 1 or not any(map(is_average, heads_of(found[0].state)))):
        raise UsageError(f"{path} holds no average of the weights (EMA)", "leave --ema out")
    wanted, others = (averages, raw) if (ema and averages) or not raw else (raw, averages)
    chosen = likeliest(wanted, path)
    other = likeliest(others, path).key or "the file's own level" if others else ""
    return Table(chosen.state, chosen.key, other, notes=left_beside(chosen, wanted))


def averaged_by_lightning(content: Mapping[Any, Any], found: list[Table]) -> Table | None:
    """The average that Lightning's ``WeightAveraging`` keeps as ``state_dict``; None where it is not that callback's.

    The weights themselves go to ``current_model_state``. Lightning validates with the average.
    """
    if not content.keys() >= LIGHTNINGS:
        return None
    table = next((table for table in found if table.key == "state_dict"), None)
    if table is None:
        return None
    note = (
        "'state_dict' is the average of the weights, as Lightning keeps it there; the weights themselves, "
        "'current_model_state', left: to take them, save them alone"
    )
    return Table(table.state, table.key, average=True, notes=(note,))


def left_beside(chosen: Table, found: list[Table]) -> tuple[str, ...]:
    """Which other tables hold weights of the same network, in words."""
    beside = [table.key for table in found if table is not chosen and same_network(table, chosen)]
    if not beside:
        return ()
    taken = repr(chosen.key[:SHOWN]) if chosen.key else "the file's own level"
    names = ", ".join(repr(key[:SHOWN]) for key in beside[:LISTED])
    return (f"{taken} taken, {names} beside it, of the same network, left: to take another, save it alone",)


def same_network(table: Table, other: Table) -> bool:
    """True when both hold the same names and shapes."""
    return {k: v.shape for k, v in table.state.items()} == {k: v.shape for k, v in other.state.items()}


def tables(content: Mapping[Any, Any], key: str = "", depth: int = 0) -> Iterator[Table]:
    """Every table of tensors in a file; the values that stand beside the tensors are left out."""
    state = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    if any(name.endswith("weight") or "." in name for name in state):
        yield Table(state, key)
    if depth == DEEPEST:
        return
    for name, value in content.items():
        if isinstance(name, str) and isinstance(value, dict) and not NOT_WEIGHTS.search(name.lower()):
            yield from tables(value, f"{key}.{name}".lstrip("."), depth + 1)


def is_average(key: str) -> bool:
    """True for the key of a moving average of the weights."""
    return any(AVERAGED.search(part.lower()) for part in key.split("."))


def heads_of(state: State) -> set[str]:
    """The first parts of the names."""
    return {name.partition(".")[0] for name in state}


def likeliest(found: list[Table], path: Path) -> Table:
    """The table with the most usual key; of several of one network under others, the one that is called the best.

    Raises:
        UsageError: several, and none of a usual name.
    """
    if len(found) == 1:
        return found[0]

    def rank(table: Table) -> tuple[int, int, int]:
        last = table.key.rpartition(".")[2].lower()
        usual = (USUAL.index(last) if last in USUAL else len(USUAL)) if last else -1
        moment = MOMENT.match(last)
        return usual, MOMENTS.index(moment[1]) if moment else len(MOMENTS), table.key.count(".")

    first, second, *_ = sorted(found, key=rank)
    told = rank(first)[:2] != rank(second)[:2] and all(same_network(first, table) for table in found)
    if rank(first)[0] == len(USUAL) and rank(second)[0] == len(USUAL) and not is_average(first.key) and not told:
        names = ", ".join(table.key[:SHOWN] for table in found[:LISTED])
        raise UsageError(f"{path} holds several tables of tensors: {names}", "save the one that you mean alone")
    return first


def what_it_is(content: Any) -> str:
    """What a file without a table of tensors holds, in words."""
    if isinstance(content, Inert):
        return f"is refused: it holds a whole pickled network, {full_name(content)}, which only its own code can read"
    if isinstance(content, Tensor):
        return "holds one tensor and no names: not a state dict"
    if isinstance(content, (list, tuple)):
        held = f" of {full_name(content[0])}" if content and isinstance(content[0], Inert) else ""
        return f"holds a {type(content).__name__}{held} ({len(content)} long) and not a state dict"
    if not isinstance(content, dict):
        return f"holds a {type(content).__name__} and not a state dict"
    modules = {key: value for key, value in content.items() if isinstance(value, Inert)}
    for key in (*USUAL, *map(str, content)):
        if key in modules and (key in USUAL or is_average(key)):
            whole = full_name(modules[key])
            return f"is refused: its {shown(key)} is a whole pickled network, {whole}, which only its own code can read"
    arrays = [key for key, value in modules.items() if full_name(value).startswith("numpy")]
    if arrays:
        return f"holds no state dict: {shown(arrays[0])} is a NumPy array, not a tensor"
    keys = ", ".join(str(key)[:SHOWN] for key in list(content)[:5]) or "nothing"
    return f"holds no state dict: its keys are {keys}"
