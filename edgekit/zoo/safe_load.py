"""Read a checkpoint file without ever running what it holds: tensors, plain values, and inert stand-ins for the rest.

Training files carry objects beside the weights: ``argparse.Namespace``, NumPy scalars, paths, frameworks' dicts.
PyTorch's safe unpickler refuses classes that it does not know. For each of them it is given a class of the same name
that takes any arguments and does nothing. The real class is never imported, so no code runs that the file holds or
names.
"""

from __future__ import annotations

import re
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

from ..base.fetched.archives import check_archive
from ..errors import SHOWN, EdgekitError, UsageError
from .foreign_arrays import Foreign, read_foreign
from .pickle_bounds import BoundsError
from .pickled import check_pickles
from .refusals import WAY_OUT, beginning, refusal

UNKNOWN = re.compile(r"GLOBAL ([\w.]+) was not an allowed global")
NOT_A_DICT = re.compile(r"Can only SETITEMS? for dict.*<class '([\w.]+)'>", re.DOTALL)
NOT_A_LIST = re.compile(r"Can only (?:append to|extend) lists, but got <class '([\w.]+)'>")
MOST_NAMES = 200
NEVER = re.compile(
    r"(subprocess|shutil|socket|importlib|runpy|pty|ctypes|webbrowser)\b"
    r"|((builtins|__builtin__)\.)?(eval|exec|compile|execfile|open|__import__|input|breakpoint)$"
)
"""What no trainer writes: a file that names it is an attack, and refused although it could do nothing here."""


class Inert:
    """Stands for an object of a class that is not known; holds nothing."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        """An empty stand-in, whatever it is made from."""
        return super().__new__(cls)

    def __setstate__(self, _: Any) -> None:
        """Take no state."""


class InertDict(Inert):
    """Stands for a kind of dict."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        """An ordered dict to be filled."""
        return OrderedDict()


class InertList(Inert):
    """Stands for a kind of list."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        """A list to be filled."""
        return []


def read_file(path: Path) -> Any:
    """The content of a checkpoint file: tensors on the CPU, plain values, and :class:`Inert` objects for the rest.

    A file that PyTorch did not write gives a :class:`~edgekit.zoo.foreign_arrays.Foreign`.

    Raises:
        UsageError: missing, truncated, no checkpoint, or naming what could do harm.
    """
    if not path.is_file():
        raise UsageError(f"no checkpoint at {path}", "name an existing .pth, .pt or .safetensors file")
    try:
        if is_safetensors(path):
            from safetensors.torch import load_file

            return load_file(path)
        check_size(path)
        foreign = foreign_weights(path)
        if foreign is not None:
            return foreign
        check_bounds(path)
        return unpickle(path)
    except EdgekitError:
        raise
    except Exception as error:  # readers of foreign bytes raise anything; it is the file's fault
        raise refusal(path, error) from error


def foreign_weights(path: Path) -> Foreign | None:
    """What :func:`read_foreign` finds.

    Raises:
        UsageError: the file is damaged, or has a layout of its own.
    """
    try:
        return read_foreign(path)
    except ValueError as error:
        raise UsageError(f"{path} cannot be read as weights: {error}", WAY_OUT) from error


def check_size(path: Path) -> None:
    """Refuse an archive that would fill the memory.

    Raises:
        UsageError: it would.
    """
    try:
        check_archive(path)
    except ValueError as error:
        raise UsageError(f"{path} is refused: {error}", WAY_OUT) from error


def check_bounds(path: Path) -> None:
    """Refuse a pickle with which PyTorch's reader would not end, or with which it would end the process.

    Raises:
        UsageError: it is one.
    """
    try:
        check_pickles(path)
    except BoundsError as error:
        raise UsageError(f"{path} is refused: {error}", WAY_OUT) from error


def is_safetensors(path: Path) -> bool:
    """By its content where the name does not say: a cache may keep files under their digests."""
    return path.suffix == ".safetensors" or beginning(path)[8:9] == b"{"


def unpickle(path: Path) -> Any:
    """What ``torch.save`` wrote, with a stand-in for each class that PyTorch does not know to be safe."""
    kinds: dict[str, type[Inert]] = {}
    while True:
        known: list[Any] = [(stand_in(name, kind), name) for name, kind in kinds.items()]
        try:
            with torch.serialization.safe_globals(known), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of old protocols: no concern of the user's
                return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            name, kind = wanted(str(error))
            if not name or NEVER.match(name) or kinds.get(name) is kind or len(kinds) > MOST_NAMES:
                raise
            kinds[name] = kind


def stand_in(name: str, kind: type[Inert]) -> type[Inert]:
    """A class of that full name which does nothing."""
    module, _, short = name.rpartition(".")
    return type(short, (kind,), {"__module__": module, "__qualname__": short, "__doc__": Inert.__doc__})


def wanted(said: str) -> tuple[str, type[Inert]]:
    """The full name that the unpickler stopped at, and what it can go on with; no name where nothing helps."""
    for pattern, kind in ((UNKNOWN, Inert), (NOT_A_DICT, InertDict), (NOT_A_LIST, InertList)):
        found = pattern.search(said)
        if found:
            # PyTorch leaves the module out where it is builtins.
            return (found[1] if "." in found[1] else f"builtins.{found[1]}"), kind
    return "", Inert


def full_name(value: Inert) -> str:
    """The class that ``value`` stands for."""
    return f"{type(value).__module__}.{type(value).__qualname__}"[:SHOWN]
