"""The networks compute what independent implementations compute from the same weights, loaded as a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.catalog import cards
from edgekit.zoo.checkpoints import load_checkpoint
from edgekit.zoo.registry import FAMILIES

PAIRS = [
    ("timm", "mobilenetv1_100", "mobilenet_v1_1.0", {}),
    ("timm", "mobilenetv2_050", "mobilenet_v2_0.5", {}),
    ("timm", "mobilenetv2_140", "mobilenet_v2_1.4", {}),
    ("timm", "mobilenetv3_large_100", "mobilenet_v3_large_1.0", {}),
    ("timm", "mobilenetv3_small_050", "mobilenet_v3_small_0.5", {}),
    ("timm", "mobilenetv3_small_100", "mobilenet_v3_small_1.0", {}),
    ("timm", "mnasnet_100", "mnasnet_b1_1.0", {}),
    ("timm", "semnasnet_075", "mnasnet_a1_0.75", {}),
    ("timm", "semnasnet_100", "mnasnet_a1_1.0", {}),
    ("timm", "mnasnet_small", "mnasnet_small", {}),
    ("pytorchcv", "squeezenet_v1_0", "squeezenet_1.0", {}),
    ("pytorchcv", "squeezenet_v1_1", "squeezenet_1.1", {}),
    ("pytorchcv", "mobilenet_wd4", "mobilenet_v1_0.25", {}),
    ("pytorchcv", "mobilenetv2b_w1", "mobilenet_v2_1.0", {}),
    ("pytorchcv", "mobilenetv3_large_w1", "mobilenet_v3_large_1.0", {}),
    ("pytorchcv", "mnasnet_b1", "mnasnet_b1_1.0", {}),
    ("pytorchcv", "mnasnet_a1", "mnasnet_a1_1.0", {}),
    ("pytorchcv", "shufflenet_g1_wd4", "shufflenet_v1_g1_0.25", {}),
    ("pytorchcv", "shufflenet_g2_w1", "shufflenet_v1_g2_1.0", {}),
    ("pytorchcv", "shufflenet_g3_wd2", "shufflenet_v1_g3_0.5", {}),
    ("pytorchcv", "shufflenet_g4_w1", "shufflenet_v1_g4_1.0", {}),
    ("pytorchcv", "shufflenet_g8_w1", "shufflenet_v1_g8_1.0", {}),
    ("pytorchcv", "shufflenetv2b_wd2", "shufflenet_v2_0.5", {"variant": "megvii"}),
    ("pytorchcv", "shufflenetv2b_w1", "shufflenet_v2_1.0", {"variant": "pytorchcv"}),
    ("pytorchcv", "igcv3_w1", "igcv3_d_1.0_imagenet", {}),
    ("pytorchcv", "igcv3_wd4", "igcv3_d_0.25_imagenet", {}),
    ("pytorchcv", "condensenet74_c4_g4", "condensenet_imagenet74_g4c4", {}),
    ("pytorchcv", "condensenet74_c8_g8", "condensenet_imagenet74_g8c8", {"half_classifier": True}),
]


@pytest.mark.parametrize(("library", "name", "card_id", "architecture"), PAIRS, ids=[f"{p[0]}-{p[1]}" for p in PAIRS])
def test_same_outputs(
    library: str,
    name: str,
    card_id: str,
    architecture: dict[str, Any],
    references: Any,
    enliven: Any,
    tmp_path: Path,
) -> None:
    reference = enliven(getattr(references, library)(name, pretrained=False))
    for key, buffer in reference.named_buffers():
        if key.endswith("index"):  # pytorchcv leaves CondenseNet's indices at zero
            source = reference.output.linear.weight.shape[1] * 2 if key.startswith("output") else len(buffer)
            buffer.copy_(torch.randperm(source)[: len(buffer)])
    path = tmp_path / "weights.pth"
    # Alphabetical, as safetensors files are.
    torch.save(dict(sorted(reference.state_dict().items())), path)

    card = cards()[card_id]
    network = FAMILIES[card.family](**{**card.architecture, **architecture}).eval()
    layout, _ = load_checkpoint(network, path)
    assert layout.startswith(library)

    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        expected, found = reference(x), network(x)
    assert expected.abs().max() > 1e-4
    assert (expected - found).abs().max() <= 1e-5 * expected.abs().max()
