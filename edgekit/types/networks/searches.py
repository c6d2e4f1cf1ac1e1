"""A search for a network: what was asked for, and what became of every network that was tried."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base import Frozen, Name


class SearchSettings(Frozen):
    """What decides a search; a resumed one must have the same.

    Attributes:
        reference: id of the card around which is searched.
        space: ``blocks``: MnasNet's; ``width``: width and resolution.
        data_sha256: of the images, labels and class names that the networks are trained on and judged by.
        device: where the cost is from; ``profile`` how the artifact is made that is measured or counted there.
        target: the latency aimed at, milliseconds.
        limit: MnasNet's soft or hard one.
        images, judge: training images to train on, and others to judge by.
        epochs, batch, lr: of each short training.
        seed: of the images taken, the weights and the search.
        arithmetic: how the machines compute that train; empty in a search of an edgekit that did not ask.
    """

    schema_version: Literal[1] = 1
    reference: Name
    space: Literal["blocks", "width"]
    data: str
    data_sha256: str
    device: str
    profile: str
    threads: int = Field(ge=1)
    target: float = Field(gt=0)
    limit: Literal["soft", "hard"]
    images: int = Field(gt=0)
    judge: int = Field(gt=0)
    epochs: int = Field(gt=0)
    batch: int = Field(gt=1)
    lr: float = Field(gt=0)
    seed: int = Field(ge=0)
    arithmetic: str = ""


class Tried(Frozen):
    """One network of a search.

    Attributes:
        number: from 0, which is the reference.
        card: file name of its card.
        state: ``trained``; ``too slow``, which was not trained; ``failed``, with the error.
        cost_ms: latency, milliseconds; ``cost_kind`` says where from.
        doubt: why the measurement is not to be trusted; empty where it is.
        right, images: of the images that it was judged by.
        reward: MnasNet's; 0 when it was not trained.
    """

    number: int = Field(ge=0)
    card: Name
    state: Literal["trained", "too slow", "failed"]
    params: int | None = None
    macs: int | None = None
    cost_ms: float | None = Field(default=None, gt=0)
    cost_kind: Literal["measured", "counted"] | None = None
    doubt: str = ""
    right: int = Field(default=0, ge=0)
    images: int = Field(default=0, ge=0)
    reward: float = 0.0
    seconds: float = 0.0
    error: str = ""

    @property
    def accuracy(self) -> float | None:
        """Percent; None when it was not trained."""
        return 100 * self.right / self.images if self.images else None


def on_front(tried: list[Tried]) -> list[Tried]:
    """Those that no other beats, from the fastest on: each is more accurate than all faster ones."""
    kept: list[Tried] = []
    trained = [one for one in tried if one.state == "trained" and one.cost_ms is not None]
    for one in sorted(trained, key=lambda one: (one.cost_ms or 0.0, -one.right)):
        if not kept or (one.accuracy or 0.0) > (kept[-1].accuracy or 0.0):
            kept.append(one)
    return kept


def best_of(tried: list[Tried]) -> Tried | None:
    """The one of the highest reward, of equal ones the fastest; None when none was trained."""
    trained = [one for one in tried if one.state == "trained"]
    return max(trained, key=lambda one: (one.reward, -(one.cost_ms or 0.0))) if trained else None
