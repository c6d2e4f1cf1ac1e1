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
    from .reports.compared.compare import Comparison
    from .types import GateResult, Measurement, Stored
    from .verbs.loaded import Loaded
    from .verbs.verify import Verified

__version__ = "0.1.0"
__all__ = [
    "EdgekitError",
    "__version__",
    "build",
    "compare",
    "export",
    "load",
    "profile",
    "run_gate",
    "verify_file",
]


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


def load(name: str | Path | Stored, threads: int = 1) -> Loaded:
    """An artifact or model file, loaded in this process: ``run`` takes real arrays and gives real outputs by name.

    Args:
        name: an artifact of :func:`edgekit.export`, its folder, a model file (``.onnx``, ``.tflite``, ``.xml``), or a
            model id with one artifact.
        threads: within an operator.

    Raises:
        UsageError: the name means nothing, or the file is not the one that was verified.
        ToolError: its runtime is not installed, or cannot load it.
    """
    from .verbs.loaded import load as loaded

    return loaded(name, threads)


def verify_file(
    file: str | Path | Stored,
    against: str | Path | Stored,
    data: str | Path | None = None,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> Verified:
    """Each output of a file against the same of another file of the network, on the same inputs.

    Args:
        file: an artifact, its folder or a model file.
        against: the reference, likewise.
        data: ``.npz`` with an array for each input of the reference, examples in front; random inputs when None.
        shapes: of inputs that a file leaves open, by name.

    Raises:
        UsageError: the two have other inputs or outputs, or the data does not fit.
        ToolError: a runtime is not installed, or fails.
    """
    from .verbs.interface import verify_file as verified

    return verified(file, against, data, shapes)


def profile(
    name: str | Path | Stored,
    device: str = "local",
    *,
    threads: int = 1,
    per_op: bool = False,
    streams: Sequence[int] = (),
    reports: str | Path = "device_reports",
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> list[Measurement]:
    """The latency and memory of artifacts on a device; each report is kept, as the command line's are.

    Args:
        name: an artifact, its folder, a model file, or a model id, whose artifacts are measured one after the other.
        device: of ``devices.toml``, or ``local``.
        threads: within an operator.
        per_op: also time each operator.
        streams: also count the inferences a second of so many streams at once.
        reports: folder that gets the reports.
        shapes: of inputs that a file of others leaves open.

    Raises:
        UsageError: an unknown name or device.
        ToolError: the device cannot be reached, or the runtime fails on one.
    """
    from pathlib import Path

    from .verbs.interface import profile as profiled

    return profiled(name, device, threads=threads, per_op=per_op, streams=streams, reports=Path(reports), shapes=shapes)


def compare(
    a: str | Path | Stored,
    b: str | Path | Stored,
    device: str = "local",
    *,
    pairs: int = 10,
    threads: int = 1,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> Comparison:
    """The latency of B over that of A, measured now in pairs of fresh processes, with its interval.

    Args:
        a: an artifact, its folder or a model file.
        b: the same.
        device: where.
        pairs: at least five.
        threads: within an operator.
        shapes: of inputs that a file of others leaves open.

    Raises:
        UsageError: a name means nothing or several things.
        NotComparableError: the conditions changed on the way, or the device is emulated.
        ToolError: the device failed.
    """
    from .verbs.interface import compare as compared

    return compared(a, b, device, pairs=pairs, threads=threads, shapes=shapes)


def run_gate(
    candidate: str | Path | Stored,
    baseline: str | Path | Stored = "device_reports",
    device: str = "local",
    *,
    threads: int = 1,
    tolerance: float | None = None,
    results: str | Path = "gate_results",
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> GateResult:
    """Whether a candidate is slower than its baseline, beyond what is tolerated.

    Args:
        candidate: an artifact, its folder or a model file.
        baseline: an artifact or its folder, or the folder with pins of ``edgekit gate --update``.
        device: where.
        threads: within an operator.
        tolerance: slowdown that is accepted, as a share; that of ``gate.toml`` when None.
        results: folder that gets the result.
        shapes: of inputs that a file of others leaves open.

    Raises:
        UsageError: an unknown name or device, or no baseline.
        ToolError: ``results`` cannot be written. A device that fails is told by the result's status.
    """
    from pathlib import Path

    from .verbs.interface import run_gate as gated

    return gated(
        candidate, baseline, device, threads=threads, tolerance=tolerance, results=Path(results), shapes=shapes
    )


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """``EdgekitError``, imported when it is asked for."""
        if name == "EdgekitError":
            from .errors import EdgekitError

            return EdgekitError
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
