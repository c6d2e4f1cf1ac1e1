"""edgekit: lightweight networks to verified, measured artifacts for small devices."""

from __future__ import annotations

TYPE_CHECKING = False  # typing's, which takes longer to import than all that the program needs before it heeds signals
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray
    from torch import Tensor, nn
    from torch.export import ExportedProgram

    from .errors import EdgekitError
    from .types import Stored

__version__ = "0.1.0"
__all__ = ["EdgekitError", "__version__", "build", "export"]


def build(
    model: str,
    weights: str | Path | None = None,
    num_classes: int | None = None,
    *,
    ema: bool = False,
    tf_padding: bool | None = None,
) -> nn.Module:
    """The network of a model id or alias, in eval mode, input ``(N, C, H, W)`` float32.

    Args:
        model: for example ``"mobilenet_v2_1.0"`` or ``"mobilenet_v3"``.
        weights: a ``.pth`` or ``.safetensors`` checkpoint, or None for seeded random weights.
        num_classes: size of the output; the checkpoint's when None, or the card's for random weights.
        ema: of a file with both, take the moving average of the weights.
        tf_padding: the weights were trained with TensorFlow's padding; None for what the file and its path tell.

    Raises:
        UsageError: unknown model, or a checkpoint that is missing, unsafe or of another network.
    """
    from .catalog import find_card
    from .types import CheckpointReading
    from .zoo.build import build_network

    return build_network(find_card(model), weights, num_classes, CheckpointReading(ema=ema, tf_padding=tf_padding))


def export(
    network: nn.Module | ExportedProgram,
    example_inputs: Sequence[Tensor] = (),
    *,
    formats: Sequence[str] = ("onnx", "tflite", "openvino"),
    int8: bool = False,
    fp16: bool = False,
    calibration: str | Path | Iterable[Sequence[NDArray[Any]]] | None = None,
    name: str = "network",
    out: str | Path = "artifacts",
    preprocessing: Mapping[str, Any] | None = None,
) -> list[Stored]:
    """Verified artifacts of a PyTorch network of any kind, at ``out/name/<profile>/``.

    Args:
        network: with its weights; or a program that ``torch.export`` traced.
        example_inputs: a tensor for each input, with the batch; a traced program has its own.
        formats: of ``onnx``, ``tflite`` and ``openvino``.
        int8: quantize weights and activations, calibrated on ``calibration``.
        fp16: store the weights as float16.
        calibration: inputs to calibrate and verify on: a ``.npz`` with an array for each input (by its name or place,
            examples in front), a folder of images, or tuples of arrays, one for each input; random ones when None.
        name: of the artifacts' folder.
        out: folder of the artifacts.
        preprocessing: of images: ``mean``, ``std``, ``resize``, ``interpolation``, ``channels``.

    Returns:
        The artifacts and their folders, in the order of ``formats``.

    Raises:
        UsageError: the network fails on the inputs, cannot be traced, or an argument is wrong.
        VerificationError: an output of an artifact is too far from the network's.
        ToolError: a converter failed.
    """
    from pathlib import Path

    from .verbs.export_own import export_module

    return export_module(
        network,
        tuple(example_inputs),
        formats=formats,
        int8=int8,
        fp16=fp16,
        calibration=calibration,
        name=name,
        out=Path(out),
        preprocessing=preprocessing or {},
    )


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """``EdgekitError``, imported when it is asked for."""
        if name == "EdgekitError":
            from .errors import EdgekitError

            return EdgekitError
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
