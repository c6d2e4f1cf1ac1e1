"""Agreement of an artifact's outputs with the float reference's on the same images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base.stats import rounded, wilson
from ..errors import VerificationError
from ..types import Parity, ParityTolerance

Outputs = NDArray[np.float32]
DIRECTED = 3
"""Classes from which on the direction of the scores says how near two networks are."""
EXACT_DB = 200.0
"""Reported SQNR of outputs that are equal bit for bit."""


def compare(reference: Outputs, outputs: Outputs, tolerance: ParityTolerance, trained: bool) -> Parity:
    """Parity of ``outputs`` against ``reference``, both ``(N, classes)``.

    SQNR and the largest error are always judged; the cosine from three classes on: that of one number is its sign, and
    of two near zero hardly more; the image SQNR where there are several images and a bound; top-1 agreement only for
    trained weights of several classes: among the nearly equal scores of a random network the winner means nothing. A
    few images tell a share but roughly: agreement fails when its whole interval (Wilson, 95 %) is below the bound;
    :func:`top1_doubt` words the rest.

    Raises:
        VerificationError: the shapes differ, or a value is not finite.
    """
    if reference.shape != outputs.shape:
        raise VerificationError(
            f"the artifact's output is {list(outputs.shape)}, the reference's {list(reference.shape)}"
        )
    # A comparison with NaN is never true: none of the bounds below would be missed.
    for whose, values in (("the reference", reference), ("the artifact", outputs)):
        bad = int((~np.isfinite(values)).sum())
        if bad:
            raise VerificationError(f"{bad} of {values.size} output values of {whose} are not finite")
    exact, given = reference.astype(np.float64), outputs.astype(np.float64)
    cosine = float(cosines(exact, given).min())
    sqnr = sqnr_db(exact, given)
    image_sqnr = sqnr_db(exact, given, shared=exact.mean(0)) if len(exact) > 1 else None
    max_abs = float(np.abs(exact - given).max())
    scale = float(np.abs(exact).max())
    agree = int((exact.argmax(1) == given.argmax(1)).sum())
    judged = ["sqnr", "max_abs"]
    failures = []
    if exact.shape[1] >= DIRECTED:
        judged.insert(0, "cosine")
    if "cosine" in judged and cosine < tolerance.min_cosine:
        failures.append(
            f"cosine {rounded(cosine, tolerance.min_cosine, 5)} of the worst image is below {tolerance.min_cosine:g}"
        )
    if sqnr < tolerance.min_sqnr_db:
        failures.append(f"SQNR {rounded(sqnr, tolerance.min_sqnr_db, 1)} dB is below {tolerance.min_sqnr_db:g} dB")
    if image_sqnr is not None and tolerance.min_image_sqnr_db is not None:
        judged.append("image_sqnr")
        if image_sqnr < tolerance.min_image_sqnr_db:
            seen = rounded(image_sqnr, tolerance.min_image_sqnr_db, 1)
            failures.append(f"image SQNR {seen} dB is below {tolerance.min_image_sqnr_db:g} dB")
    if max_abs > tolerance.max_abs_error * scale:
        failures.append(
            f"largest error {max_abs:.4g} exceeds {tolerance.max_abs_error:g} of the largest score {scale:.4g}"
        )
    if trained and exact.shape[1] > 1:
        judged.append("top1")
        if wilson(agree, len(exact)).high < tolerance.min_top1_agreement:
            failures.append(f"top-1 agrees on {agree}/{len(exact)}, below {tolerance.min_top1_agreement:.0%}")
    return Parity(
        images=len(exact),
        cosine_min=cosine,
        sqnr_db=sqnr,
        image_sqnr_db=image_sqnr,
        max_abs=max_abs,
        reference_max_abs=scale,
        top1_agree=agree,
        tolerance=tolerance,
        judged=tuple(judged),
        failures=tuple(failures),
    )


def top1_doubt(parity: Parity) -> str:
    """What is to be said of an agreement below the bound that too few images were too few to refuse; else empty."""
    bound = parity.tolerance.min_top1_agreement
    if "top1" not in parity.judged or not parity.passed or parity.top1_agree >= bound * parity.images:
        return ""
    seen = wilson(parity.top1_agree, parity.images)
    return (
        f"top-1 agrees on {parity.top1_agree} of {parity.images} images, below {bound:.0%}; so few cannot tell (95 %: "
        f"{seen.low:.0%} to {seen.high:.0%}): verify with --parity-data DIR, photos like the network's own"
    )


def cosines(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine similarity of each row; 1 where both are zero, 0 where one is."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    both_zero = (np.abs(a).sum(1) == 0) & (np.abs(b).sum(1) == 0)
    result: NDArray[np.float64] = np.where(both_zero, 1.0, (a * b).sum(1) / np.where(norms == 0, 1.0, norms))
    return result


def sqnr_db(
    reference: NDArray[np.float64], outputs: NDArray[np.float64], shared: NDArray[np.float64] | float = 0.0
) -> float:
    """``10 log10(sum (reference - shared)^2 / sum (reference - outputs)^2)``, within ``EXACT_DB`` of 0."""
    noise = float(((reference - outputs) ** 2).sum())
    signal = float(((reference - shared) ** 2).sum())
    if noise == 0.0:
        return EXACT_DB
    if signal == 0.0:
        return -EXACT_DB
    return float(np.clip(10 * np.log10(signal / noise), -EXACT_DB, EXACT_DB))
