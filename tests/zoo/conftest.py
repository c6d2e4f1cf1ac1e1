"""Reference libraries for the zoo's tests."""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import types
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

TORCHVISION = ("", ".ops", ".ops.misc", ".models", ".models.feature_extraction", ".datasets", ".transforms")
TRANSFORMS = ".transforms.functional"


class Anything(type):
    """A class that has every attribute: timm names many of torchvision's while it is imported and uses none here."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class Stub(types.ModuleType):
    """A module that has every class."""

    __path__: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name, (), {})


@pytest.fixture(scope="module")
def references() -> Iterator[types.SimpleNamespace]:
    """timm's and pytorchcv's model factories; torchvision, which timm imports, is replaced where it does not load."""
    stubbed = []
    try:
        importlib.import_module("torchvision.ops")
    except Exception:  # noqa: BLE001 -- built for another torch, it fails in ways of its own
        for suffix in (*TORCHVISION, TRANSFORMS):
            name = "torchvision" + suffix
            module = Stub(name)
            module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
            sys.modules[name] = module
            stubbed.append(name)
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], child, module)
    timm = pytest.importorskip("timm")
    provider = pytest.importorskip("pytorchcv.model_provider")
    yield types.SimpleNamespace(timm=timm.create_model, pytorchcv=provider.get_model)
    for name in stubbed:
        sys.modules.pop(name, None)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """One thread and one seed."""
    torch.set_num_threads(1)
    torch.manual_seed(7)


def lively(network: nn.Module) -> nn.Module:
    """``network`` in eval mode with BN statistics, scales and shifts that matter, in place."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.6, 1.4)
            nn.init.normal_(module.bias, 0.1, 0.3)
            nn.init.normal_(module.running_mean, 0.0, 0.2)
            nn.init.uniform_(module.running_var, 0.4, 1.6)
    return network.eval()


@pytest.fixture
def enliven() -> Any:
    """:func:`lively`, for tests that cannot import from here."""
    return lively
