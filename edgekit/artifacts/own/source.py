"""A user's own network: the code that builds it, run in a child process only, and its weights."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from ...errors import UsageError
from ...zoo.checkpoints import read_state
from ...zoo.layouts import load_strictly
from .named import input_names, taking

Examples = dict[str, torch.Tensor]

BUILD, EXAMPLES = "build", "example_inputs"
"""What a file has to define, and what it may."""
FACTORY_HINT = "a factory takes no arguments and returns a torch.nn.Module with its weights"


def import_code(place: str, folder: Path) -> ModuleType:
    """The module of a user's code: a ``.py`` file, or a dotted name that is importable from ``folder``.

    Raises:
        UsageError: there is none, or it raises while it is imported.
    """
    sys.path.insert(0, str(folder))
    path = folder / place
    try:
        if place.endswith(".py"):
            sys.path.insert(0, str(path.parent))
            spec = importlib.util.spec_from_file_location(path.stem, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[path.stem] = module  # as an import would have it
            spec.loader.exec_module(module)
            return module
        return importlib.import_module(place)
    except FileNotFoundError as error:
        raise UsageError(f"no such file: {place}", "name a .py file, or package.module:factory") from error
    except ModuleNotFoundError as error:
        where = f"it is looked for in {folder} and where Python has its packages"
        raise UsageError(f"{place} cannot be imported: {error}", where) from error
    except (Exception, SystemExit) as error:  # a user's code raises anything
        raise UsageError(f"{place} raised {described(error)}", "run it with python alone to see more") from error


def call(module: ModuleType, name: str) -> Any:
    """What a function of a user's module returns.

    Raises:
        UsageError: it is not there, takes arguments, or raises.
    """
    function = getattr(module, name, None)
    if not callable(function):
        there = ", ".join(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
        raise UsageError(f"{module.__name__} has no function {name!r}", f"it has {there or 'none'}; {FACTORY_HINT}")
    try:
        return function()
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is None:
            raise UsageError(f"{name}() cannot be called without arguments: {error}", FACTORY_HINT) from error
        raise UsageError(f"{name}() raised {described(error)}", FACTORY_HINT) from error
    except (Exception, SystemExit) as error:  # a user's code raises anything
        raise UsageError(f"{name}() raised {described(error)}", FACTORY_HINT) from error


def build_network(module: ModuleType, factory: str, weights: Path | None) -> nn.Module:
    """The network of a factory, or of that name: in eval mode, on the CPU, with the weights of a file if there is one.

    Raises:
        UsageError: the factory fails or gives no network, or the weights do not fit.
    """
    made = getattr(module, factory, None)
    network = made if isinstance(made, nn.Module) else call(module, factory)
    if not isinstance(network, nn.Module):
        raise UsageError(f"{factory}() returned {type(network).__name__}, not a torch.nn.Module", FACTORY_HINT)
    network = bare(network)
    try:
        network = network.cpu().eval()
    except Exception as error:  # weights that are nowhere, or a GPU that is gone
        raise UsageError(
            f"the network of {factory}() cannot be brought to the CPU: {described(error)}", FACTORY_HINT
        ) from error
    if weights is not None:
        try:
            load_strictly(network, read_state(weights, network))
        except UsageError as error:
            raise UsageError(f"{weights} does not fit the network of {factory}(): {error}", error.hint) from error
    return network


def bare(network: nn.Module) -> nn.Module:
    """The network inside of ``torch.compile`` and ``nn.DataParallel``, which would keep it from being rewritten."""
    while True:
        if isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
            network = network.module
        elif isinstance(getattr(network, "_orig_mod", None), nn.Module):
            network = network._orig_mod  # type: ignore[assignment]  # noqa: SLF001 - torch.compile has no other name
        else:
            return network


def example_inputs(module: ModuleType, network: nn.Module) -> tuple[nn.Module, Examples | None]:
    """What ``example_inputs()`` of the module gives, by name, and the network, which takes them by their places.

    None where the module has no such function.

    Raises:
        UsageError: it gives something else than tensors, or names what is no input of the network.
    """
    if not hasattr(module, EXAMPLES):
        return network, None
    given, names = call(module, EXAMPLES), None
    if isinstance(given, Mapping):
        network, names = taking(network, [str(name) for name in given], f"{EXAMPLES}()")
        given = tuple(given[name] for name in names)
    given = (given,) if isinstance(given, torch.Tensor) else tuple(given) if isinstance(given, list | tuple) else ()
    others = sorted({type(one).__name__ for one in given if not isinstance(one, torch.Tensor)})
    if not given or others:
        raise UsageError(
            f"{EXAMPLES}() has to return a tensor, a tuple of tensors or a dict of them by name"
            + (f", and it returns {', '.join(others)} among them" if others else ""),
            "one for each input of forward(); let the factory build a module around it that fixes the other arguments",
        )
    return network, dict(zip(names or input_names(network, len(given)), given, strict=True))


def described(error: BaseException) -> str:
    """An exception in a line, with the line of the user's code that raised it."""
    frame: Callable[[Any], Any] = lambda t: t if t is None or t.tb_next is None else frame(t.tb_next)  # noqa: E731
    last = frame(error.__traceback__)
    where = f" ({Path(last.tb_frame.f_code.co_filename).name}, line {last.tb_lineno})" if last else ""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]}{where}"
