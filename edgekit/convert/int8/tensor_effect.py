"""What rounding one tensor alone does to a network's outputs: the network runs with it rounded, from there on.

That ranks the tensors of an int8 file much better than what each of them loses by itself: a network amplifies the noise
of some and drowns that of others. A file's tensors are found among the network's by the values that they hold, since
every converter has names and a layout of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, fx
from torch.utils.flop_counter import FlopCounterMode

from .simulation import Runner, quantized_values
from .tensor_noise import Observed, Touched

SETS = 4
"""Inputs that every tensor is tried on, at most."""
OPERATIONS = 4e12
"""Of all runs together, about: a minute or two on one core."""
CLOSE = 1e-3
"""Difference of two tensors' values, as a share of the largest, up to which they are one tensor."""

Values = dict[fx.Node, Any]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Effect:
    """What a tensor's rounding does.

    Attributes:
        held: the tensor's values over all inputs.
        noise: power of the error at the output that suffers most, over the power of that output.
        path: of the module that makes the tensor; empty for an input.
    """

    held: Observed
    noise: float
    path: str


def tensor_effects(program: torch.export.ExportedProgram, sets: Sequence[Tensor], outliers: int = 0) -> list[Effect]:
    """The effect of every float tensor that a network makes from its inputs.

    Where all of them would take too long, the effects of those that lose the most by themselves.

    Args:
        program: the network.
        sets: calibration inputs, a tensor for each input, with the sets as a dimension in front.
        outliers: values an input that the ranges leave out.
    """
    network = program.run_decompositions().module()
    assert isinstance(network, fx.GraphModule)
    walk = Walk(network)
    with torch.no_grad():
        held: dict[fx.Node, Observed] = {}
        for number in range(len(sets[0])):
            for node, value in walk.values([one[number] for one in sets]).items():
                if isinstance(value, Tensor) and value.is_floating_point() and node in walk.moving:
                    if node not in held:
                        held[node] = Observed(1, len(sets[0]), outliers)
                    held[node].add(value.numpy())
        nodes = sorted((node for node, one in held.items() if one.noise > 0), key=lambda node: -held[node].noise)
        with FlopCounterMode(display=False) as counted:
            walk.values([one[0] for one in sets])
        runs = OPERATIONS / max(counted.get_total_flops() / 2, 1)
        nodes = nodes[: max(int(runs), 1)]
        count = min(max(int(runs / max(len(nodes), 1)), 1), SETS, len(sets[0]))
        chosen = np.linspace(0, len(sets[0]) - 1, count).astype(int)
        ends = {node: held[node].ends(outliers) for node in nodes}
        noise = [share(walk, [one[number] for one in sets], ends) for number in chosen]
    means = np.mean(noise, 0) if nodes else []
    return [Effect(held[node], float(mean), path_of(node)) for node, mean in zip(nodes, means, strict=True)]


def share(walk: Walk, inputs: Sequence[Tensor], ends: Mapping[fx.Node, tuple[float, float]]) -> list[float]:
    """The noise at the outputs of every node that has a range, for one set of inputs."""
    exact = walk.values(inputs)
    found = []
    for node, (low, high) in ends.items():
        rounded = quantized_values(exact[node], low, high, symmetric=False)
        after = walk.again(exact, node, rounded)
        found.append(max((error_share(exact[one], after[one]) for one in walk.outputs if one in after), default=0.0))
    return found


def error_share(exact: Any, made: Any) -> float:
    """Power of an output's error over its own; 0 for what is no float tensor."""
    if not isinstance(exact, Tensor) or not exact.is_floating_point():
        return 0.0
    power = float(exact.double().square().sum())
    error = float((made.double() - exact.double()).square().sum())
    return error / power if power > 0 and np.isfinite(error) else 0.0


class Walk:
    """Runs a traced network node by node.

    Attributes:
        moving: the nodes whose values depend on the inputs.
        outputs: those that make the outputs.
    """

    def __init__(self, network: fx.GraphModule) -> None:
        self._runner = Runner(network)
        self._nodes = [node for node in network.graph.nodes if node.op != "output"]
        self.outputs = network.graph.output_node().all_input_nodes
        self.moving: set[fx.Node] = set()
        for node in self._nodes:
            if node.op == "placeholder" or self.moving & set(node.all_input_nodes):
                self.moving.add(node)

    def values(self, inputs: Sequence[Tensor]) -> Values:
        """Of all nodes."""
        given = iter(inputs)
        made: Values = {}
        for node in self._nodes:
            made[node] = next(given) if node.op == "placeholder" else self._runner.call(node, made)
        return made

    def again(self, exact: Values, start: fx.Node, value: Tensor) -> Values:
        """Of the nodes that another value of one node changes."""
        made: Values = {start: value}
        for node in self._after(start):
            if any(given in made for given in node.all_input_nodes):
                values = {given: made.get(given, exact[given]) for given in node.all_input_nodes}
                made[node] = self._runner.call(node, values)
        return made

    def _after(self, start: fx.Node) -> Iterator[fx.Node]:
        node = start.next
        while node.op != "output":
            yield node
            node = node.next


def path_of(node: fx.Node) -> str:
    """The path of the module that made a node."""
    stack = [path for path, _ in (node.meta.get("nn_module_stack") or {}).values()]
    return stack[-1] if stack else ""


def touched(
    held: Mapping[Key, Observed],
    operators: Mapping[Key, Collection[str]],
    effects: Sequence[Effect],
    word: Callable[[Key], str],
) -> list[Touched]:
    """The tensors of a file, with the effect of each; those that hold the same values are one.

    The effect of a tensor that is not among the network's is estimated: what it loses by itself, in the proportion of
    the tensors around it.

    Args:
        held: the values of the tensors that int8 rounds.
        operators: those that make or read each.
        effects: of the network's tensors; with none of them, every tensor's own loss counts.
        word: names a tensor.
    """
    known = {key: effect_of(one, effects) for key, one in held.items()}
    gains = {key: one.noise / held[key].noise for key, one in known.items() if one is not None and held[key].noise > 0}
    gains |= spread(gains, {key: frozenset(operators[key]) for key in held})
    alike: dict[Hashable, list[Key]] = {}
    for key, one in known.items():
        alike.setdefault(("unknown", key) if one is None else ("known", id(one)), []).append(key)
    found = []
    for keys in alike.values():
        effect = known[keys[0]]
        noise = gains.get(keys[0], 1.0) * held[keys[0]].noise if effect is None else effect.noise
        name = effect.path if effect is not None else ""
        around = frozenset(name for key in keys for name in operators[key])
        found.append(Touched(noise, around, name or word(keys[0])))
    return found


def spread(gains: Mapping[Key, float], operators: Mapping[Key, frozenset[str]]) -> dict[Key, float]:
    """The gains of further tensors: the largest of those that share an operator with them, from near to far."""
    made: dict[Key, float] = {}
    now = dict(gains)
    while now:
        around: dict[str, float] = {}
        for key, gain in now.items():
            for name in operators[key]:
                around[name] = max(gain, around.get(name, 0.0))
        open_ = [key for key in operators if key not in gains and key not in made]
        now = {key: max(near) for key in open_ if (near := [around[one] for one in operators[key] if one in around])}
        made |= now
    return made


def effect_of(held: Observed, effects: Sequence[Effect]) -> Effect | None:
    """The effect of the tensor that holds these values; None where it is not known."""
    return next((one for one in effects if same(held, one.held)), None)


def same(one: Observed, other: Observed) -> bool:
    """Whether two observed the same values, perhaps in another layout."""
    if one.size != other.size:
        return False
    largest = max(abs(other.low), abs(other.high))
    if abs(one.power - other.power) > CLOSE * other.power:
        return False
    pairs = ((one.low, other.low), (one.high, other.high), (one.mean, other.mean))
    return all(abs(mine - its) <= CLOSE * largest for mine, its in pairs)
