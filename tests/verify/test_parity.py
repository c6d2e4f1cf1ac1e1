"""Agreement in figures that anyone can compute, and the cases in which there is nothing to compute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgekit.artifacts.device_parity import difference
from edgekit.base.stats import wilson
from edgekit.errors import VerificationError
from edgekit.types import ParityTolerance
from edgekit.verify.parity import EXACT_DB, compare, cosines, sqnr_db, top1_doubt

STRICT = ParityTolerance(min_cosine=0.9999, min_sqnr_db=60, max_abs_error=0.001, min_top1_agreement=1.0)
LOOSE = ParityTolerance(min_cosine=-2, min_sqnr_db=-300, max_abs_error=1e60, min_top1_agreement=0)

finite = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)
shapes = st.tuples(st.integers(1, 5), st.integers(1, 8))
scores = shapes.flatmap(lambda shape: arrays.arrays(np.float32, shape, elements=finite))
pairs = shapes.flatmap(
    lambda shape: st.tuples(*(arrays.arrays(np.float32, shape, elements=finite) for _ in range(2)))
).filter(lambda pair: pair[0].any())  # an error has no size beside nothing


@given(scores)
def test_equal_outputs_pass_everything(outputs):
    parity = compare(outputs, outputs.copy(), STRICT, trained=True)
    assert parity.passed, parity.failures
    assert (parity.sqnr_db, parity.max_abs, parity.top1_agree) == (EXACT_DB, 0.0, len(outputs))
    assert parity.cosine_min == pytest.approx(1.0)


@given(pairs)
def test_figures_are_the_formulas(pair):
    reference, outputs = (array.astype(np.float64) for array in pair)
    parity = compare(pair[0], pair[1], LOOSE, trained=True)
    assert parity.passed
    assert parity.images == len(reference)
    assert parity.max_abs == np.abs(reference - outputs).max()
    assert parity.reference_max_abs == np.abs(reference).max()
    assert parity.top1_agree == sum(int(a.argmax() == b.argmax()) for a, b in zip(reference, outputs, strict=True))
    assert -1.0 - 1e-9 <= parity.cosine_min <= 1.0 + 1e-9
    assert -EXACT_DB <= parity.sqnr_db <= EXACT_DB


@given(scores.filter(lambda a: np.abs(a).max() > 1e-2), st.floats(0.001, 0.5))
def test_sqnr_of_a_scaled_output(outputs, error):
    reference = outputs.astype(np.float64)
    assert sqnr_db(reference, reference * (1 + error)) == pytest.approx(-20 * np.log10(error), abs=1e-6)
    assert cosines(reference, reference * (1 + error)) == pytest.approx(1.0)


@given(pairs, st.floats(0.01, 100))
def test_scale_of_both_does_not_matter(pair, factor):
    reference, outputs = (array.astype(np.float64) for array in pair)
    assert sqnr_db(reference * factor, outputs * factor) == pytest.approx(sqnr_db(reference, outputs), abs=1e-6)


@pytest.mark.parametrize(
    ("reference", "outputs", "cosine", "sqnr"),
    [
        ([[0, 0]], [[0, 0]], 1.0, EXACT_DB),
        ([[0, 0]], [[1, 0]], 0.0, -EXACT_DB),
        ([[1, 0]], [[0, 0]], 0.0, 0.0),
        ([[1, 0]], [[-1, 0]], -1.0, 10 * np.log10(1 / 4)),
        ([[1, 0]], [[0, 1]], 0.0, 10 * np.log10(1 / 2)),
    ],
)
def test_zeros_and_opposites(reference, outputs, cosine, sqnr):
    parity = compare(np.array(reference, np.float32), np.array(outputs, np.float32), LOOSE, trained=False)
    assert (parity.cosine_min, parity.sqnr_db) == (pytest.approx(cosine), pytest.approx(sqnr))


def test_the_worst_image_decides_the_cosine():
    reference = np.eye(10, dtype=np.float32)
    outputs = reference.copy()
    outputs[3] = reference[4]
    parity = compare(reference, outputs, STRICT, trained=True)
    assert parity.cosine_min == 0.0
    assert parity.top1_agree == 9
    assert [failure.split()[0] for failure in parity.failures] == ["cosine", "SQNR", "largest", "top-1"]
    assert "top-1 agrees on 9/10, below 100%" in parity.failures


@pytest.mark.parametrize(
    ("agree", "count", "passes", "doubtful"),
    [
        (16, 16, True, False),
        (12, 16, True, True),
        (10, 16, False, False),
        (75, 100, False, False),
        (85, 100, True, False),
    ],
)
def test_few_images_refuse_only_what_they_can_tell(agree, count, passes, doubtful):
    reference = np.eye(count, dtype=np.float32)
    outputs = reference.copy()
    for image in range(count - agree):
        outputs[image] = np.roll(outputs[image], 1)
    parity = compare(reference, outputs, LOOSE.model_copy(update={"min_top1_agreement": 0.85}), trained=True)
    assert (parity.top1_agree, parity.passed) == (agree, passes)
    assert bool(top1_doubt(parity)) is doubtful
    if doubtful:
        assert "12 of 16 images, below 85%; so few cannot tell (95 %: 51% to 90%)" in top1_doubt(parity)


@pytest.mark.parametrize(("trained", "judged"), [(True, True), (False, False)])
def test_random_weights_have_no_winner_to_agree_on(trained, judged):
    reference = np.array([[1.0, 1.00001]], np.float32)
    outputs = np.array([[1.00001, 1.0]], np.float32)
    parity = compare(reference, outputs, STRICT, trained)
    assert parity.top1_agree == 0
    assert ("top1" in parity.judged) is judged
    assert parity.passed is not judged


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_value_that_is_not_finite(bad):
    reference = np.ones((2, 5), np.float32)
    outputs = reference.copy()
    outputs[1, 2:4] = bad
    with pytest.raises(VerificationError, match="2 of 10 output values of the artifact are not finite") as caught:
        compare(reference, outputs, LOOSE, trained=False)
    assert caught.value.exit_code == 1
    with pytest.raises(VerificationError, match="2 of 10 output values of the reference are not finite"):
        compare(outputs, reference, LOOSE, trained=False)


@pytest.mark.parametrize("shape", [(2, 4), (1, 5), (2, 5, 1), (10,)])
def test_other_shape(shape):
    with pytest.raises(VerificationError, match=r"the artifact's output is \[.*\], the reference's \[2, 5\]"):
        compare(np.ones((2, 5), np.float32), np.ones(shape, np.float32), LOOSE, trained=False)


@given(pairs.filter(lambda pair: not np.array_equal(*pair)))
def test_each_criterion_alone_decides(pair):
    figures = compare(pair[0], pair[1], LOOSE, trained=True)
    beyond = {
        "min_cosine": figures.cosine_min + 1e-3,
        "min_sqnr_db": figures.sqnr_db + 1e-3,
        "max_abs_error": figures.max_abs / figures.reference_max_abs / 2 if figures.reference_max_abs else 0.0,
        "min_top1_agreement": wilson(figures.top1_agree, figures.images).high + 1e-3,
    }
    classes = pair[0].shape[1]
    unjudged = {"min_cosine": classes < 3, "min_top1_agreement": classes == 1}
    for name, value in beyond.items():
        parity = compare(pair[0], pair[1], LOOSE.model_copy(update={name: value}), trained=True)
        assert len(parity.failures) == (not unjudged.get(name)), name


@pytest.mark.parametrize("classes", [1, 2])
def test_one_and_two_scores_are_judged_by_noise_and_largest_error(classes):
    """A score near zero may change its sign, and with it the cosine, by the least error."""
    reference = np.linspace(-2, 2, 16 * classes, dtype=np.float32).reshape(16, classes)
    reference[7] = 0.0005
    outputs = reference.copy()
    outputs[7, 0] = -0.0005
    parity = compare(reference, outputs, STRICT.model_copy(update={"min_top1_agreement": 0.5}), trained=True)
    assert parity.cosine_min < 0.1
    assert parity.passed, parity.failures
    assert "cosine" not in parity.judged
    assert ("top1" in parity.judged) == (classes == 2)
    wrong = compare(reference, outputs[::-1].copy(), STRICT, trained=True)
    assert [failure.split()[0] for failure in wrong.failures[:2]] == ["SQNR", "largest"]


def test_an_output_on_a_device_is_judged_likewise():
    exported = compare(np.array([[2.0], [-1.0]], np.float32), np.array([[2.0], [-1.0]], np.float32), STRICT, True)
    near, far = (
        compare(np.zeros((1, 1), np.float32), np.full((1, 1), x, np.float32), STRICT, False) for x in (1e-3, 1)
    )
    assert difference(near, exported) == ""
    assert "off by 1, where 0.002 is the most" in difference(far, exported)
    exported = compare(*(np.eye(4, dtype=np.float32),) * 2, STRICT, True)
    turned = compare(np.eye(4, dtype=np.float32)[:1], np.eye(4, dtype=np.float32)[1:2], STRICT, False)
    assert difference(turned, exported).startswith("cosine 0.00000 on the check image, where 0.9999 is the least")
