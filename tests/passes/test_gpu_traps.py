"""What LiteRT's GPU accelerator gets wrong, and right as edgekit writes it; software Vulkan, one operator each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.bench.launch import call_agent
from edgekit.errors import ToolError
from edgekit.passes.pipeline import apply_rewrites

IMAGE = torch.randn(1, 8, 8, 8, generator=torch.Generator().manual_seed(0))


def on_gpu(network: nn.Module, folder: Path) -> np.ndarray[Any, Any]:
    """The network's output for ``IMAGE``, ``(1, H, W, C)``, all of it computed on the GPU."""
    import litert_torch

    given = IMAGE.permute(0, 2, 3, 1).contiguous()
    channels_last = litert_torch.to_channel_last_io(network, args=[0], outputs=[0])
    litert_torch.convert(channels_last, (given,)).export(str(folder / "model.tflite"))
    np.save(folder / "in.npy", given.numpy())
    ends = {"inputs": str(folder / "in.npy"), "outputs": str(folder / "out.npy")}
    request = {"command": "run", "runtime": "litert", "accelerator": "gpu", "threads": 1, **ends}
    told = call_agent({**request, "model": str(folder / "model.tflite")}, 120, "the run")
    assert told["delegation"]["cpu_ops"] == 0
    return np.load(folder / "out.npy")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("layer", "rewrite"),
    [
        (nn.Conv2d(8, 8, 3, padding=1, groups=4), "align_groups"),
        (nn.AvgPool2d(3, 2, 1), "pool_as_depthwise"),
    ],
    ids=["narrow groups", "padded average"],
)
def test_a_gpu_computes_the_rewritten_operator_rightly_and_the_plain_one_not(
    lavapipe: None, tmp_path: Path, layer: nn.Module, rewrite: str
) -> None:
    plain = nn.Sequential(layer).eval()
    written, done = apply_rewrites(plain, [rewrite], IMAGE)
    assert done[0].count == 1
    with torch.no_grad():
        expected = plain(IMAGE).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(on_gpu(written, tmp_path), expected, rtol=1e-4, atol=1e-5)
    # Once one of these fails, LiteRT has mended it, and the rewrite may go.
    if rewrite == "align_groups":
        with pytest.raises(ToolError, match=r"outputs are wrong|crashed"):
            on_gpu(plain, tmp_path)
    else:
        wrong = np.abs(on_gpu(plain, tmp_path) - expected) > 0.01
        assert wrong[:, 0].any()
        assert not wrong[:, 1:, 1:].any()
