"""Reference libraries for the zoo's tests."""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import types
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
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


def message(number: int, content: bytes) -> bytes:
    """A field of bytes of a protobuf message."""
    length, head = len(content), bytearray()
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | 2, *head, length]) + content


def number_field(number: int, value: int) -> bytes:
    """A field of a small integer."""
    head = bytearray()
    while value > 0x7F:
        head.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([number << 3, *head, value])


def constant(name: str, array: np.ndarray[Any, Any]) -> bytes:
    """A node of a TensorFlow graph that holds an array of float32."""
    shape = b"".join(message(2, number_field(1, size)) for size in array.shape)
    tensor = number_field(1, 1) + message(2, shape) + message(4, array.astype("<f4").tobytes())
    value = message(1, b"value") + message(2, message(8, tensor))
    return message(1, message(1, name.encode()) + message(2, b"Const") + message(5, value))


@pytest.fixture(scope="session")
def node() -> Any:
    """Writes one node of a TensorFlow graph: ``node(name, array)``."""
    return constant


@pytest.fixture(scope="session")
def field() -> Any:
    """Writes a field of bytes of a protobuf message: ``field(number, content)``."""
    return message


@pytest.fixture(scope="session")
def number() -> Any:
    """Writes a field of a small integer: ``number(number, value)``."""
    return number_field


@pytest.fixture(scope="session")
def slim() -> Any:
    """A network's weights under TF-Slim's names and in TensorFlow's layout: ``slim(network, name, epsilon)``."""
    return slim_arrays


SLIM_BLOCKS = {
    2: ("depthwise", "project"),
    3: ("expand", "depthwise", "project"),
    4: ("depthwise", "squeeze_excite/Conv", "squeeze_excite/Conv_1", "project"),
    5: ("expand", "depthwise", "squeeze_excite/Conv", "squeeze_excite/Conv_1", "project"),
}


def slim_arrays(network: nn.Module, name: str, epsilon: float = 1e-3) -> dict[str, np.ndarray[Any, Any]]:
    """See :func:`slim`."""
    groups: dict[str, list[tuple[str, nn.Module]]] = {}
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            groups.setdefault(".".join(path.split(".")[:2]), []).append((path, module))
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    word = ""
    stems, blocks = iter(("Conv", "Conv_1", "Conv_2", "Logits/Conv2d_1c_1x1")), 0
    singles = iter(("Conv2d_0", *(f"Conv2d_{i // 2 + 1}_{'dp'[i % 2]}" for i in range(26)), "Logits/Conv2d_1c_1x1"))
    for members in groups.values():
        layers = [module for _, module in members if not isinstance(module, nn.BatchNorm2d)]
        if name == "MobilenetV1":
            words = [next(singles).replace("_d", "_depthwise").replace("_p", "_pointwise") for _ in layers]
        elif len(layers) == 1:
            words = [next(stems)]
        else:
            words = [f"expanded_conv{f'_{blocks}' if blocks else ''}/{word}" for word in SLIM_BLOCKS[len(layers)]]
            blocks += 1
        for _, module in members:
            state = {leaf: value.numpy() for leaf, value in module.state_dict().items()}
            if isinstance(module, nn.BatchNorm2d):
                base = f"{name}/{word}/BatchNorm"
                arrays[f"{base}/gamma"], arrays[f"{base}/beta"] = state["weight"], state["bias"]
                arrays[f"{base}/moving_mean"] = state["running_mean"]
                arrays[f"{base}/moving_variance"] = state["running_var"]
                arrays[f"{name}/{base}/batchnorm/add/y"] = np.float32(epsilon)
                continue
            word = words.pop(0)
            weight = state["weight"].reshape(*state["weight"].shape, *(1,) * (4 - state["weight"].ndim))
            if word.endswith("depthwise"):
                arrays[f"{name}/{word}/depthwise_weights"] = weight.transpose(2, 3, 0, 1)
            else:
                arrays[f"{name}/{word}/weights"] = weight.transpose(2, 3, 1, 0)
            if "bias" in state:
                arrays[f"{name}/{word}/biases"] = state["bias"]
    return arrays
