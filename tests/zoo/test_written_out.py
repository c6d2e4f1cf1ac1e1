"""Weights in parts are those that PyTorch computes from them in inference, and observers leave no trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

from edgekit.zoo.written_out import unwatched, written_out

WRITERS: dict[str, Callable[[nn.Module], object]] = {
    "pruned": lambda layer: prune.l1_unstructured(layer, "weight", amount=0.5),
    "weight norm": weight_norm,
    "weight norm of the whole": lambda layer: weight_norm(layer, dim=None),
    "parametrized weight norm": parametrizations.weight_norm,
    "spectral norm": spectral_norm,
    "parametrized spectral norm": parametrizations.spectral_norm,
}


@pytest.mark.filterwarnings("ignore:.*weight_norm")
@pytest.mark.parametrize("layer", [nn.Linear(6, 4), nn.Conv2d(6, 4, 3)], ids=["linear", "convolution"])
@pytest.mark.parametrize("kind", WRITERS)
def test_the_weight_is_what_the_layer_computes_with(kind: str, layer: nn.Module) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(type(layer)(*((6, 4) if isinstance(layer, nn.Linear) else (6, 4, 3)))).train()
    WRITERS[kind](network[0])
    with torch.no_grad():
        for value in network.parameters():  # trained on since: the length is no longer the direction's
            value.add_(0.1 * torch.randn(value.shape))
    network(torch.rand(2, 6) if isinstance(layer, nn.Linear) else torch.rand(2, 6, 5, 5))
    network.eval()
    state = network.state_dict()
    assert "0.weight" not in state
    network(torch.rand(2, 6) if isinstance(layer, nn.Linear) else torch.rand(2, 6, 5, 5))
    made = written_out(state)
    assert set(made) == {"0.weight", "0.bias"}
    assert torch.allclose(made["0.weight"], network[0].weight, atol=1e-6)


def test_what_does_not_fit_keeps_its_names() -> None:
    odd = {
        "a.weight_g": torch.ones(3, 1),
        "a.weight_v": torch.ones(4, 5),
        "b.parametrizations.weight.original": torch.ones(2, 2),
        "b.parametrizations.weight.0.base": torch.ones(2, 2),
        "c_mask": torch.ones(1),
        "embed_v": torch.ones(3),
    }
    assert all(value is odd[key] for key, value in written_out(odd).items())


def test_quantization_aware_training_leaves_the_layers_as_they_were() -> None:
    from torch.ao.nn.intrinsic.qat import ConvBnReLU2d
    from torch.ao.quantization import get_default_qat_qconfig

    torch.manual_seed(0)
    fused = ConvBnReLU2d(3, 4, 3, qconfig=get_default_qat_qconfig("fbgemm"))
    network = nn.Sequential(nn.Sequential(fused, nn.Identity(), nn.Identity()))
    network(torch.rand(1, 3, 8, 8))
    state = network.state_dict()
    assert any(key.endswith("zero_point") for key in state)
    made, watched = unwatched(state)
    assert watched
    plain = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()))
    plain.load_state_dict(made)
    assert torch.equal(plain[0][0].weight, fused.weight)
    assert torch.equal(plain[0][1].running_mean, fused.bn.running_mean)
    assert not unwatched(plain.state_dict())[1]
