"""The part of a model that an execution provider of ONNX Runtime took, and why it left the rest."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..protocol import AgentError, Json


def assigned_nodes(session: Any) -> Optional[List[Tuple[str, str, str]]]:
    """Provider, type and name of each operator as it was assigned; None before ONNX Runtime 1.24."""
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return None
    groups = session.get_provider_graph_assignment_info()
    return [(group.ep_name, node.op_type, node.name) for group in groups for node in group.get_nodes()]


def refuse_device_errors(provider: str, said: str) -> None:
    """Raise AgentError when the log tells that the device refused work, or a CPU took its place.

    Both are only written down. OpenVINO's provider lets its CPU compute what does not compile for an NPU.
    """
    if "Falling back to OV CPU" in said:
        raise AgentError("accelerator", "the model does not compile for the NPU; %s took the CPU instead" % provider)
    errors = re.findall(r"WebGPU device (?:error|lost) ?\(.*?\): ?(.+)", said)
    if errors:
        raise AgentError("accelerator", "%s reported %d errors of the device, so the outputs are wrong: %s" % (
            provider, len(errors), errors[0]))  # fmt: skip


def provider_delegation(
    provider: str,
    ran: Sequence[Tuple[str, str, str]],
    assigned: Optional[Sequence[Tuple[str, str, str]]],
    said: str,
) -> Json:
    """What an execution provider took, from the kernels that ``ran`` in one inference: provider, type, name of each.

    Operators count as ONNX Runtime runs them, after its own fusions and without what it adds: see :func:`added`. A
    provider that compiles operators runs them as one kernel of its own; then those ``assigned`` count (not always: for
    a provider with another memory layout, ONNX Runtime 1.27 lists a part only).

    Value: gpu_ops, cpu_ops, partitions (stretches on the accelerator), undelegated (type: count), reasons. Raises
    AgentError when it took nothing: that would be the CPU's time under its name.
    """
    kernels = [one for one in ran if not added(*one[1:])]
    nodes: Sequence[Tuple[str, str, str]] = kernels
    if any(by == provider and name.startswith(provider + "_") for by, _, name in kernels):
        if assigned is None:
            raise AgentError("accelerator", "%s compiles operators, and only ONNX Runtime from 1.24 on tells which: "
                             "install a newer one" % provider)  # fmt: skip
        nodes = assigned
    outside = [(kind, name) for by, kind, name in nodes if by != provider]
    undelegated: Dict[str, int] = {}
    for kind, _ in outside:
        undelegated[kind] = undelegated.get(kind, 0) + 1
    reasons = left_reasons(outside, said)
    if len(outside) == len(nodes):
        raise AgentError("accelerator", "nothing runs on %s, all on the CPU: %s" % (provider, "; ".join(reasons)))
    before = [""] + [by for by, _, _ in kernels]
    return {
        "gpu_ops": len(nodes) - len(outside),
        "cpu_ops": len(outside),
        "partitions": sum(by == provider != last for last, (by, _, _) in zip(before, kernels)),  # noqa: B905
        "undelegated": undelegated,
        "reasons": reasons,
    }


def added(kind: str, name: str) -> bool:
    """True for what ONNX Runtime adds to a network: copies between memories, and changes of the memory layout."""
    return kind.startswith(("Memcpy", "Reorder")) or (
        kind == "Transpose" and re.fullmatch(r"Transpose(_token_\d+)?", name) is not None
    )


def left_reasons(outside: Sequence[Tuple[str, str]], said: str) -> List[str]:
    """Why operators (type, name) stay on the CPU, by type, if ONNX Runtime's log gives a reason."""
    no_kernel = set(re.findall(r"kernel not found in registries for Op type: (\S+) node name:", said))
    forced = dict(re.findall(r"[Ff]orce fallback to CPU execution for node: (\S+) because (.+)", said))
    groups: Dict[Tuple[str, str], List[str]] = {}
    for kind, name in outside:
        why = forced.get(name) or ("no kernel for it" if kind in no_kernel else "ONNX Runtime does not say why")
        groups.setdefault((kind, why), []).append(name)
    return ["%s: %s (%s)" % (kind, why, some(names)) for (kind, why), names in groups.items()]


def some(names: Sequence[str]) -> str:
    """The first three names, and how many more there are."""
    more = ["and %d more" % (len(names) - 3)] if len(names) > 3 else []
    return ", ".join([name or "without a name" for name in names[:3]] + more)
