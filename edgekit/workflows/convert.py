"""The steps of an export that run in child processes: JSON in, JSON out, arrays in ``.npy`` files."""

from __future__ import annotations

import copy
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..errors import ToolError
from ..passes.bake_preprocess import bake_preprocess
from ..passes.pipeline import apply_rewrites
from ..pixels import normalise
from ..types import ExportProfile, ModelCard, TargetClass, TensorSpec
from ..verify.audit import audit
from ..zoo.complexity import count_params, layer_costs
from ..zoo.layouts import adopt
from ..zoo.registry import create
from .build import build_with_provenance

TOOLS = {
    "onnx": ("torch", "onnx", "onnxscript", "onnxsim", "onnxruntime"),
    "tflite": ("torch", "litert-torch", "litert-converter", "ai-edge-litert", "ai-edge-quantizer"),
    "openvino": ("torch", "openvino", "nncf"),
}
REFERENCE_BATCH = 16


def prepare(request: dict[str, Any]) -> dict[str, Any]:
    """Build the network, save its state and its float32 outputs on the parity images.

    Request: ``card``, ``weights`` (path or None), ``num_classes``, ``pixels`` (.npy), ``folder``.
    Writes ``state.pt`` and ``reference.npy`` into the folder.

    Raises:
        UsageError: the checkpoint does not fit.
        ToolError: the reference itself is not finite.
    """
    card = ModelCard.from_plain(request["card"])
    folder = Path(request["folder"])
    network, provenance = build_with_provenance(card, request["weights"], request["num_classes"])
    images = torch.from_numpy(normalise(np.load(request["pixels"]), card.preprocessing))
    with torch.no_grad():
        reference = torch.cat([network(batch) for batch in torch.split(images, REFERENCE_BATCH)]).numpy()
    if not np.isfinite(reference).all():
        raise ToolError("the float network itself gives values that are not finite", "check the checkpoint")
    torch.save(network.state_dict(), folder / "state.pt")
    np.save(folder / "reference.npy", reference)
    costs = layer_costs(copy.deepcopy(network).to("meta"), (1, *card.input_shape))
    return {
        "provenance": provenance.to_plain(),
        "params": count_params(network),
        "macs": sum(cost.macs for cost in costs),
        "layers": [[cost.name, cost.macs, cost.memory_access] for cost in costs if cost.macs],
    }


def convert(request: dict[str, Any]) -> dict[str, Any]:
    """Rewrite, convert and quantize into ``folder``.

    Request: ``card``, ``profile``, ``target``, ``num_classes``, ``state`` (path), ``layout`` (of the weights),
    ``pixels`` (.npy, calibration), ``folder``.
    """
    from ..export.job import Job

    card = ModelCard.from_plain(request["card"])
    profile = ExportProfile.from_plain(request["profile"])
    target: TargetClass = request["target"]
    network = create(card, request["num_classes"])
    network.load_state_dict(torch.load(request["state"], weights_only=True))
    adopt(network, request["layout"])
    rewritten, rewrites = apply_rewrites(network, profile.rewrites, torch.zeros(1, *card.input_shape))
    pixels = np.load(request["pixels"])
    job = Job(
        network=with_input(rewritten, card, profile),
        profile=profile,
        target=target,
        preprocessing=card.preprocessing,
        inputs=network_inputs(pixels, card, profile),
        folder=Path(request["folder"]),
    )
    with torch.no_grad():
        made = converter(profile.format)(job)
    return {
        "files": list(made.files),
        "inputs": [spec.to_plain() for spec in made.inputs],
        "outputs": [spec.to_plain() for spec in made.outputs],
        "quantization": made.quantization,
        "notes": list(made.notes),
        "rewrites": [rewrite.to_plain() for rewrite in rewrites],
        "tool_versions": {name: metadata.version(name) for name in TOOLS[profile.format]},
    }


def with_input(network: nn.Module, card: ModelCard, profile: ExportProfile) -> nn.Module:
    """The network as the artifact takes its input: as it is, or behind its own preprocessing."""
    if not profile.bake_preprocess:
        return network
    # An int8 artifact gets uint8 ends after quantization; a float one casts the pixels itself.
    return bake_preprocess(network, card.preprocessing, cast=profile.precision != "int8")


def network_inputs(pixels: np.ndarray[Any, Any], card: ModelCard, profile: ExportProfile) -> np.ndarray[Any, Any]:
    """Calibration inputs, ``(N, C, H, W)``, as :func:`with_input`'s network takes them."""
    if not profile.bake_preprocess:
        return normalise(pixels, card.preprocessing)
    nchw = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return nchw.astype(np.float32) if profile.precision == "int8" else nchw


def converter(format_: str) -> Any:
    """The converter of a format; only its own packages are imported."""
    if format_ == "onnx":
        from ..export.onnx import convert_onnx

        return convert_onnx
    if format_ == "tflite":
        from ..export.litert import convert_litert

        return convert_litert
    from ..export.openvino import convert_openvino

    return convert_openvino


def audit_file(request: dict[str, Any]) -> dict[str, Any]:
    """Audit ``model_file`` from the runtime's ``facts``; see :func:`edgekit.verify.audit.audit`."""
    inputs, outputs = (tuple(map(TensorSpec.from_plain, request[end])) for end in ("inputs", "outputs"))
    profile = ExportProfile.from_plain(request["profile"])
    return audit(request["facts"], Path(request["model_file"]), profile, inputs, outputs).to_plain()
