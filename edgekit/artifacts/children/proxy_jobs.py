"""A short training in a child process: of one network, and of a small one that tells machines apart.

On one thread, whatever the machine has: sums are made in another order on two, and then another network comes out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...base.processes.isolate import quick_imports
from ...training.recipes import Recipe
from ...types import Frozen, ModelCard

if TYPE_CHECKING:
    from ...training.proxy import Scored

STEPS, BATCH, SIDE = 4, 16, 16


class ProxyRequest(Frozen):
    """A network to train from a seed.

    Attributes:
        seed: of its first weights.
        images, labels: ``.npy``, uint8 ``(N, H, W, C)`` and int64 ``(N,)``: those to train on, then those to judge by.
        train: how many are to train on.
        classes: how many there are.
    """

    card: ModelCard
    recipe: Recipe
    seed: int
    images: Path
    labels: Path
    train: int
    classes: int


class ProxyScore(Frozen):
    """How many of so many images were right, and the seconds that the training took."""

    right: int
    images: int
    seconds: float


class ArithmeticRequest(Frozen):
    """Nothing has to be said."""


class Arithmetic(Frozen):
    """What decides a training's last bits on a machine: two that say the same are taken to compute the same.

    Attributes:
        torch: version of PyTorch.
        instructions: of the CPU, that it uses.
        digest: of the weights that a fixed small training ends with.
    """

    torch: str
    instructions: str
    digest: str

    def __str__(self) -> str:
        return f"PyTorch {self.torch} with {self.instructions} ({self.digest})"


def train(request: ProxyRequest) -> ProxyScore:
    """Train the network of a card for a short while, and judge it.

    Raises:
        UsageError: it cannot be built, or its loss is no longer finite.
    """
    with quick_imports():
        import numpy as np
        import torch

        from ...training.datasets import ArrayImages, Dataset, Split, Subset
        from ...training.proxy import proxy_accuracy
        from ...zoo.registry import create
    torch.set_num_threads(1)
    images, labels = ArrayImages(np.load(request.images, mmap_mode="r")), np.load(request.labels)
    parts = np.split(np.arange(len(labels)), [request.train])
    learnt, judged = (Split(Subset(images, part), labels[part]) for part in parts)
    classes = tuple(map(str, range(request.classes)))
    torch.manual_seed(request.seed)
    network = create(request.card)
    data = Dataset("proxy", classes, learnt, judged)
    found: Scored = proxy_accuracy(network, data, request.card.preprocessing, request.recipe)
    return ProxyScore(right=found.right, images=found.images, seconds=found.seconds)


def arithmetic(_: ArithmeticRequest) -> Arithmetic:
    """Train a small network of the kinds of layers that a search has: its weights tell how this machine computes."""
    with quick_imports():
        import hashlib

        import torch
        from torch import nn
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 24, 3, 2, 1), nn.BatchNorm2d(24), nn.ReLU6(), nn.Conv2d(24, 24, 5, 1, 2, groups=24)]
    layers += [nn.BatchNorm2d(24), nn.Hardswish(), nn.Conv2d(24, 40, 1), nn.SiLU(), nn.AdaptiveAvgPool2d(1)]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(40, 10))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(network.parameters(), 0.1, 0.9, weight_decay=1e-4, nesterov=True)
    for _step in range(STEPS):
        images = torch.rand(BATCH, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
        loss = nn.functional.cross_entropy(network(images), torch.randint(10, (BATCH,)))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.contiguous().numpy().tobytes())
    return Arithmetic(
        torch=torch.__version__,
        instructions=torch.backends.cpu.get_cpu_capability(),
        digest=digest.hexdigest()[:12],
    )
