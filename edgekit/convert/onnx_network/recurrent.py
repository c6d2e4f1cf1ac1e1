"""ONNX operators that go through a sequence: LSTM, GRU and RNN, as their steps one after another.

Runtimes of TFLite quantize and delegate the products of each step, which they cannot inside a loop. Source: ONNX's
operator reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor

from .node import Node, NotKnown, Operator

MOST_STEPS = 256
"""A longer sequence would be a graph of many thousand operators."""
State = tuple[Tensor, ...]
Step = Callable[[Node, Tensor, State, Tensor, Tensor], State]
"""Takes the node, what the input adds to every gate, the state, and the weight and bias of the state; the new state."""
USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}


def lstm(_: Node, given: Tensor, state: State, weight: Tensor, bias: Tensor) -> State:
    """The gates are in the order input, output, forget, cell."""
    hidden, cell = state
    let, out, keep, new = (given + F.linear(hidden, weight, bias)).chunk(4, -1)
    cell = torch.sigmoid(keep) * cell + torch.sigmoid(let) * torch.tanh(new)
    return torch.sigmoid(out) * torch.tanh(cell), cell


def gru(node: Node, given: Tensor, state: State, weight: Tensor, bias: Tensor) -> State:
    """The gates are in the order update, reset, hidden; the reset comes before or behind the product."""
    (hidden,) = state
    size = hidden.shape[-1]
    keep, reset = torch.sigmoid(given[..., : 2 * size] + F.linear(hidden, weight[: 2 * size], bias[: 2 * size])).chunk(
        2, -1
    )
    last, shift = weight[2 * size :], bias[2 * size :]
    if node.get("linear_before_reset", 0):
        mixed = reset * F.linear(hidden, last, shift)
    else:
        mixed = F.linear(reset * hidden, last, shift)
    new = torch.tanh(given[..., 2 * size :] + mixed)
    return ((1 - keep) * new + keep * hidden,)


def rnn(_: Node, given: Tensor, state: State, weight: Tensor, bias: Tensor) -> State:
    """One product and a tanh."""
    return (torch.tanh(given + F.linear(state[0], weight, bias)),)


def recurrent(step: Step, states: int) -> Operator:
    """An operator that repeats a step, in one direction or in both; gives all results and the last states."""

    def compute(node: Node, values: Tensor, weights: Tensor, inner: Tensor, *others: Tensor | None) -> tuple[Any, ...]:
        bias, lengths, *given = [*others, *[None] * 6][: 2 + states]
        refuse_unusual(node, values, lengths, [*others, *[None] * 6][4])
        ways = {"forward": [1], "reverse": [-1], "bidirectional": [1, -1]}[node.get("direction", "forward")]
        results, ends = [], []
        for place, way in enumerate(ways):
            size = inner.shape[-1]
            half = weights.shape[1]
            both = torch.zeros(2 * half) if bias is None else bias[place]
            nothing = torch.zeros(values.shape[1], size)
            state: State = tuple(nothing if one is None else one[place] for one in given)
            made = []
            for row in list(F.linear(values, weights[place], both[:half]).unbind(0))[::way]:
                state = step(node, row, state, inner[place], both[half:])
                made.append(state[0])
            results.append(torch.stack(made[::way]))
            ends.append(state)
        last = (torch.stack(column) for column in zip(*ends, strict=True))
        return torch.stack(results, 1), *last

    return compute


def refuse_unusual(node: Node, values: Tensor, lengths: Tensor | None, peepholes: Tensor | None) -> None:
    """Make sure that the operator is as the exporters of today write it.

    Raises:
        NotKnown: it is not.
    """
    usual = USUAL[node.kind] * (2 if node.get("direction") == "bidirectional" else 1)
    named = [word.decode() if isinstance(word, bytes) else word for word in node.get("activations") or usual]
    if named != usual or node.get("clip"):
        raise NotKnown("it clips, or has other activations than usual")
    if node.get("layout", 0) or node.get("input_forget", 0) or (node.kind == "LSTM" and peepholes is not None):
        raise NotKnown("its layout is batch first, or it has peepholes or coupled gates")
    if lengths is not None and set(node.value(4) if 4 in node.known else [0]) != {len(values)}:
        raise NotKnown("its sequences have lengths of their own")
    if len(values) > MOST_STEPS:
        raise NotKnown(f"it takes {len(values)} steps, and edgekit writes up to {MOST_STEPS} one after another")


OPERATORS: dict[str, Operator] = {"LSTM": recurrent(lstm, 2), "GRU": recurrent(gru, 1), "RNN": recurrent(rnn, 1)}
