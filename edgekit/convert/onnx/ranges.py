"""Ranges other than min-max for ONNX Runtime's quantizer, by its own calibrator."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from ...types import Quantization
from ..int8.ranges import BINS, chosen_range
from .concat import Override


def overrides(path: Path, readers: Iterable[Any], settings: Quantization, images: int) -> dict[str, Override]:
    """The quantizer's ``TensorQuantOverrides``: a range for every activation of the float model at ``path``.

    The calibrator keeps all activations of what it reads at once, so it is given one batch at a time. Its percentiles
    are taken as they are; what it does not know is computed of its histograms. A tensor that holds only zeros is left
    to the quantizer; so are the scores when it is outliers that are cut off: the largest of them are what is asked for.
    """
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator

    symmetric = settings.activations == "symmetric"
    augmented = path.with_name("observed.onnx")
    tool = create_calibrator(
        path,
        augmented_model_path=str(augmented),
        calibrate_method=CalibrationMethod.Percentile,
        extra_options={"symmetric": symmetric, "percentile": settings.percentile, "num_bins": BINS},
    )
    with redirect_stdout(None):  # the calibrator prints as it goes
        for reader in readers:
            tool.collect_data(reader)
        if settings.ranges == "percentile":
            ends = {name: data.range_value for name, data in tool.compute_data().items()}
        else:
            seen = tool.collector.get_histogram_dict().items()
            ends = {name: chosen_range(settings, counts, edges, images) for name, (counts, edges, *_) in seen}
    if settings.ranges == "outliers":
        for name in tool.model_original_outputs:
            ends.pop(name, None)
    augmented.unlink()
    return {
        name: [{"rmin": np.float32(low), "rmax": np.float32(high)}] for name, (low, high) in ends.items() if low < high
    }
