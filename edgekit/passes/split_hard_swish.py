"""Write hard-swish as ``(x * 1/6) * relu6(x + 3)`` for int8 TFLite.

TFLite's XNNPACK delegate has no quantized HARD_SWISH: every one of them would leave the delegate (MobileNetV3 large:
22 partitions). Multiplication by 1/6 comes first so that no intermediate exceeds the range of the result. Float
runtimes keep the fused operator, which is faster there.
"""

from __future__ import annotations

from collections.abc import Collection

from torch import Tensor, fx, nn

from ._pass import rewrite


class SplitHardSwish(nn.Module):
    """``x * relu6(x + 3) / 6`` from operators that quantize one by one."""

    kind = "hard-swish"

    def __init__(self) -> None:
        super().__init__()
        self.relu6 = nn.ReLU6()

    def gate(self, x: Tensor) -> Tensor:
        """The factor that ``x`` is multiplied by."""
        made: Tensor = self.relu6(x + 3.0)
        return made

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        """Any shape, element-wise; ``gate`` in place of its own."""
        return (x * (1.0 / 6.0)) * (self.gate(x) if gate is None else gate)


@rewrite
def split_hard_swish(graph_module: fx.GraphModule) -> int:
    """Replace every ``nn.Hardswish`` in place; returns how many."""
    changed = 0
    for name, module in list(graph_module.named_modules()):
        if isinstance(module, nn.Hardswish):
            parent, _, attribute = name.rpartition(".")
            setattr(graph_module.get_submodule(parent), attribute, SplitHardSwish().eval())
            changed += 1
    return changed


def join_hard_swish(graph_module: fx.GraphModule, names: Collection[str]) -> int:
    """Write those of these layers that were split as ``nn.Hardswish`` again, in place; returns how many.

    What stays in float inside an int8 artifact has the fused operator, as a float artifact has. A hard-swish whose
    gate another one shares stays as it is.
    """
    changed = 0
    for node in graph_module.graph.nodes:
        if node.op != "call_module" or str(node.target) not in names or len(node.all_input_nodes) != 1:
            continue
        if isinstance(graph_module.get_submodule(str(node.target)), SplitHardSwish):
            graph_module.add_submodule(str(node.target), nn.Hardswish().eval())
            changed += 1
    return changed
