"""Selective float: the worthiest layers first, measured after every step, and an error that says how near it came."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.cache import ingredients
from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.requests import Clipping, PlacedMove, Placement
from edgekit.artifacts.selective import (
    Goal,
    Tried,
    clipping_doubt,
    missed,
    next_point,
    not_reached,
    step_text,
    taken_of,
    wanted_db,
    with_moves,
)
from edgekit.base.progress import silent
from edgekit.catalog import find_card, profile_for
from edgekit.cli.show.export import float_lines, selection_lines
from edgekit.errors import VerificationError
from edgekit.types import (
    Artifact,
    ChosenForm,
    FloatCost,
    FloatStep,
    LayerLoad,
    ParityTolerance,
    Ratio,
    SelectiveFloat,
)
from edgekit.verbs.export import export
from edgekit.verify.parity import compare

from .test_layer_errors import CARD, loose

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "tflite-int8" / "manifest.json"
LOOSE = ParityTolerance(min_cosine=0, min_sqnr_db=0, max_abs_error=1, min_top1_agreement=0)


def tried(moves: int, sqnr_db: float) -> Tried:
    parity = compare(np.ones((1, 4), np.float32), np.full((1, 4), 1 - 10 ** (-sqnr_db / 20), np.float32), LOOSE, False)
    return Tried(moves, profile_for("onnx", "int8"), Path(), None, parity, ())


def path(*simulated: float) -> Placement:
    moves = tuple(PlacedMove(share=0.01, sqnr_db=db) for db in simulated[1:])
    return Placement(sqnr_db=simulated[0], moves=moves, clipping=Clipping(images=16, lost_db=None))


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ([(0, 10.1)], 2),  # as simulated: 14 dB come with two moves
        ([(0, 8.1)], 4),  # two decibels worse than simulated: 16 are needed
        ([(0, 3.0)], 5),  # more than the path has: all of it
        ([(0, 10.0), (2, 13.5)], 5),  # it was 0.5 off; three more moves at least
        ([(0, 10.0), (5, 13.5)], None),
    ],
)
def test_each_artifact_sets_the_simulation_right(measured, expected):
    found = next_point(path(10, 12, 14, 15, 16, 17), [tried(*one) for one in measured], Goal(14.0, 0.5))
    assert found == expected


def test_moves_that_bring_little_are_left_out_where_the_aim_is_out_of_reach():
    """20 dB are aimed at, 16.8 in reach: 16 of them with two moves."""
    found = path(10, 14, 16, 16.3, 16.5, 16.7, 16.8)
    aim = Goal(20.0, 0.1, aimed=True)
    near = [tried(0, 10.0), tried(2, 16.2)]
    assert next_point(found, near[:1], aim) == 2
    assert near[-1].parity.passed
    assert next_point(found, near, aim) is None
    missed_it = near[-1].parity.model_copy(update={"failures": ("top-1 agrees on 12 of 16",)})
    assert next_point(found, [near[0], replace(near[1], parity=missed_it)], aim) == 5
    assert next_point(found, near[:1], Goal(20.0, 0.5)) == 6, "what has to be reached is worth every move"


def test_what_differs_between_images_asks_for_more():
    """13 dB are enough, but not for what the images differ by, which is 3 dB short: 16 are wanted."""
    parity = tried(0, 13.0).parity.model_copy(
        update={"image_sqnr_db": 2.0, "tolerance": LOOSE.model_copy(update={"min_image_sqnr_db": 5.0})}
    )
    goal = Goal(8.0, 0.5)
    assert wanted_db(parity, goal) == pytest.approx(16.0, abs=0.01)
    assert next_point(path(13, 14, 15, 16, 17), [replace(tried(0, 13.0), parity=parity)], goal) == 3
    assert wanted_db(tried(0, 13.0).parity, goal) == pytest.approx(13.0, abs=0.01)


def test_a_worst_image_that_is_turned_asks_for_more():
    """A cosine of 0.69 is noise of about the size of the scores, one of 0.9 of a quarter of it in power: 6.7 dB."""
    bounds = LOOSE.model_copy(update={"min_cosine": 0.9})
    parity = tried(0, 14.1).parity.model_copy(update={"cosine_min": 0.689, "tolerance": bounds})
    assert wanted_db(parity, Goal(8.0, 0.5)) == pytest.approx(14.1 + 6.7, abs=0.1)
    assert wanted_db(parity.model_copy(update={"cosine_min": -0.5}), Goal(8.0, 0.5)) < 100


@pytest.fixture(scope="module")
def card(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("card") / "small.toml"
    path.write_text(CARD)
    return str(path)


def exported(card, folder, budget):
    options = ExportOptions(out=folder, selective_float=True, min_sqnr_db=budget)
    (outcome,) = export([card], [loose("onnx")], options, silent)
    return outcome


def test_nothing_stays_in_float_where_int8_is_enough(card, tmp_path):
    artifact = exported(card, tmp_path, 5.0).artifact
    assert artifact.float_layers == ()
    assert artifact.audit.float_compute_ops == 0
    (line,) = selection_lines(artifact.selective_float)
    assert line.startswith("float   nothing needs to stay in float: SQNR")
    assert artifact.command.endswith("--min-sqnr 5")


@pytest.mark.slow
def test_layers_are_added_until_the_budget_is_met(card, tmp_path):
    plain = exported(card, tmp_path / "plain", 5.0).artifact.parity.sqnr_db
    outcome = exported(card, tmp_path / "more", round(plain + 0.5, 1))
    assert outcome.status == "converted", outcome.error
    artifact = outcome.artifact
    record = artifact.selective_float
    assert artifact.parity.sqnr_db >= record.budget_db
    assert record.steps[0].layers == 0
    assert [bool(step.failures) for step in record.steps] == [True] * (len(record.steps) - 1) + [False]
    last = record.steps[-1]
    assert artifact.audit.float_compute_ops == last.layers
    assert {path for step in record.steps for path in step.added} <= set(artifact.float_layers)
    assert 0 < last.macs_share <= 0.5


def test_moves_go_into_the_profile():
    base = loose("onnx", ("features.0",))
    moves = (PlacedMove(float_layers=("a", "b"), share=0.1, sqnr_db=1), PlacedMove(two_scales="c", share=0, sqnr_db=2))
    settings = with_moves(base, moves).quantization
    assert settings.keep_float == ("features.0", "a", "b")
    assert settings.two_scales == ("c",)
    found = FloatStep(added=("a", "b"), two_scales=("c",), layers=1, macs_share=0.1, sqnr_db=12.0)
    assert step_text(found) == "a, b in float, 10.0% of MACs; two scales for the input of c: SQNR 12.0 dB"


def test_the_cache_tells_budgets_apart(card):
    keys = [
        ingredients(
            find_card(card),
            None,
            profile_for("onnx", "int8"),
            ExportOptions(selective_float=on, min_sqnr_db=db, strict_int8=strict),
        )
        for on, db, strict in ((False, None, False), (True, None, False), (True, 12.0, False), (False, None, True))
    ]
    assert all(keys[i] != keys[j] for i in range(4) for j in range(i))


def step(layers: int, sqnr_db: float) -> FloatStep:
    added = tuple(f"layer.{number}" for number in range(layers))
    return FloatStep(added=added, layers=layers, macs_share=layers / 10, sqnr_db=sqnr_db, failures=("SQNR is low",))


def test_what_cannot_be_reached_is_an_error_that_names_the_best():
    error = not_reached([step(0, 10.0), step(1, 14.0), step(2, 13.5)], 40.0)
    assert isinstance(error, VerificationError)
    assert error.exit_code == 1
    assert "the best is 14.0 dB with 1 layer(s), 10.0% of MACs, in float (SQNR is low)" in str(error)
    assert "--min-sqnr" in error.hint
    assert "the bounds of parity are not met" in str(not_reached([step(0, 10.0)], 8.0))


def test_images_that_are_too_few_are_said_with_what_they_cost():
    sure, unsure, unknown = (Clipping(images=16, lost_db=lost) for lost in (0.4, 7.25, None))
    assert clipping_doubt(sure) == clipping_doubt(unknown) == ""
    doubt = clipping_doubt(unsure)
    assert "16 calibration images are few" in doubt
    assert "loses 7.2 dB" in doubt
    assert clipping_doubt(unsure.model_copy(update={"images": 256})) == ""  # no more are ever used
    assert "Calibrate on more, give" in not_reached([step(0, 10.0)], 40.0, doubt).hint


def test_what_is_just_not_reached_is_told_from_what_was_asked():
    low = FloatStep(added=(), layers=0, macs_share=0.0, sqnr_db=26.981, failures=("SQNR is low",))
    assert "SQNR 27 dB is not reached" in str(not_reached([low], 27.0))
    assert "the best is 26.98 dB with" in str(not_reached([low], 27.0))
    outputs = np.ones((1, 4), np.float32)
    tolerance = ParityTolerance(min_cosine=0, min_sqnr_db=0, max_abs_error=1, min_top1_agreement=0)
    parity = compare(outputs, outputs * np.float32(1 - 10 ** (-26.981 / 20)), tolerance, trained=False)
    assert missed(parity, 27.0) == ("SQNR 26.98 dB is below 27 dB",)


@pytest.mark.parametrize(
    ("aimed", "measured", "expected"),
    [
        (True, [(0, 11.2), (11, 17.4), (19, 18.1)], 11),  # 20 dB are missed either way
        (True, [(0, 11.2), (11, 16.9), (19, 18.1)], 19),
        (True, [(0, 17.2), (11, 17.4), (19, 18.1)], 0),
        (True, [(0, 11.2), (11, 19.4), (19, 20.1)], 19),  # met
        (False, [(0, 11.2), (11, 17.4), (19, 18.1)], 19),  # a bound: missing it is a failure
    ],
)
def test_no_more_goes_to_float_than_an_aim_that_is_missed_is_worth(aimed, measured, expected):
    goal = Goal(20.0, 0.1, aimed=aimed)
    assert taken_of([tried(*one) for one in measured], goal).moves == expected


COST = FloatCost(
    without=Ratio(ratio=0.8, low=0.78, high=0.82, pairs=40), float32=Ratio(ratio=0.5, low=0.4, high=0.6, pairs=40)
)


@pytest.mark.parametrize(
    ("form", "kept", "found", "line"),
    [
        ("default", (), None, None),
        ("float-early", ("a",), None, "float   25.0% of MACs by the form float-early"),
        ("as-written", ("a",), None, "float   25.0% of MACs by the profile"),
        (
            "float-early",
            ("a", "layer.0"),
            SelectiveFloat(budget_db=15.0, steps=(step(0, 10.0), step(1, 16.0)), cost=COST),
            (
                "float   25.0% of MACs by the form float-early and 10.0% of MACs for accuracy; it takes 1.25x the CPU "
                "time of int8 with nothing added, and 2.00x that of float32 (1.67 to 2.50): int8 is slower here"
            ),
        ),
        (
            "default",
            ("layer.0",),
            SelectiveFloat(budget_db=15.0, steps=(step(0, 10.0), step(1, 16.0))),
            "float   10.0% of MACs for accuracy; not timed here",
        ),
    ],
)
def test_one_line_says_what_is_in_float_why_and_what_it_costs(form, kept, found, line):
    loads = {"a": 25, "layer.0": 10, "rest": 65}
    artifact = Artifact.model_validate_json(TINY.read_text()).model_copy(
        update={
            "form": ChosenForm(name=form, by="table"),
            "layers": tuple(LayerLoad(name=name, macs=macs, elements=1, weights=1) for name, macs in loads.items()),
            "float_layers": kept,
            "selective_float": found,
        }
    )
    assert float_lines(artifact) == ([] if line is None else [line])


def test_every_step_is_shown():
    shown = selection_lines(SelectiveFloat(budget_db=15.0, steps=(step(0, 10.0), step(1, 14.0))))
    assert shown == [
        "float   15 dB asked for; nothing in float for it: SQNR 10.0 dB",
        "        + layer.0 in float, 10.0% of MACs: SQNR 14.0 dB",
    ]
    near = step(0, 16.0).model_copy(update={"failures": ("top-1 agrees on 12 of 16",)})
    shown = selection_lines(SelectiveFloat(budget_db=15.0, steps=(near, step(1, 14.0))))
    assert shown[0] == "float   15 dB asked for; nothing in float for it: SQNR 16.0 dB (top-1 agrees on 12 of 16)"
