"""Selective float: the worthiest layers first, measured after every step, and an error that says how near it came."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.artifacts.cache import ingredients
from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.selective import Candidate, choose, missed, not_reached
from edgekit.base.progress import silent
from edgekit.catalog import find_card, profile_for
from edgekit.cli.export import check_int8_options
from edgekit.cli.show.export import selection_lines
from edgekit.errors import UsageError, VerificationError
from edgekit.types import FloatStep, ParityTolerance, SelectiveFloat
from edgekit.verbs.export import export
from edgekit.verify.parity import compare

from .test_layer_errors import CARD, loose

CANDIDATES = st.builds(
    Candidate,
    path=st.text("abc", min_size=1, max_size=3),
    share=st.floats(0, 0.4),
    gain=st.floats(-0.2, 0.8),
)


@given(st.lists(CANDIDATES, max_size=12), st.floats(0, 1), st.integers(1, 8), st.floats(0, 0.5))
def test_choice_keeps_its_bounds(found, needed, most, room):
    chosen = choose(found, needed, most, room)
    assert len(chosen) <= most
    assert sum(one.share for one in chosen) <= room + 1e-9
    # One fewer would not have been enough, by what was simulated.
    assert len(chosen) <= 1 or sum(one.gain for one in chosen[:-1]) < needed
    assert bool(chosen) == any(one.share <= room for one in found)


def test_gain_is_weighed_against_cost():
    dear, cheap, small = Candidate("dear", 0.3, 0.6), Candidate("cheap", 0.02, 0.2), Candidate("small", 0.0, 0.01)
    assert [one.path for one in choose([dear, cheap, small], needed=0.9, most=3, room=0.5)] == [
        "cheap",
        "dear",
        "small",
    ]
    assert [one.path for one in choose([dear, cheap, small], needed=0.1, most=3, room=0.5)] == ["cheap"]
    assert [one.path for one in choose([dear, cheap, small], needed=0.9, most=3, room=0.1)] == ["cheap", "small"]


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
    assert artifact.audit.float_compute_ops == last.layers == sum(len(step.added) for step in record.steps)
    assert {path for step in record.steps for path in step.added} <= set(artifact.float_layers)
    assert 0 < last.macs_share <= 0.5


def test_the_cache_tells_budgets_apart(card):
    keys = [
        ingredients(
            find_card(card), None, profile_for("onnx", "int8"), ExportOptions(selective_float=on, min_sqnr_db=db)
        )
        for on, db in ((False, None), (True, None), (True, 12.0))
    ]
    assert all(keys[i] != keys[j] for i in range(3) for j in range(i))


def step(layers: int, sqnr_db: float) -> FloatStep:
    added = tuple(f"layer.{number}" for number in range(layers))
    return FloatStep(added=added, layers=layers, macs_share=layers / 10, sqnr_db=sqnr_db, failures=("SQNR is low",))


def test_what_cannot_be_reached_is_an_error_that_names_the_best():
    error = not_reached([step(0, 10.0), step(1, 14.0), step(2, 13.5)], 40.0)
    assert isinstance(error, VerificationError)
    assert error.exit_code == 1
    assert "the best is 14.0 dB with 1 layer(s), 10.0% of MACs, in float (SQNR is low)" in str(error)
    assert "--min-sqnr" in error.hint


def test_what_is_just_not_reached_is_told_from_what_was_asked():
    low = FloatStep(added=(), layers=0, macs_share=0.0, sqnr_db=26.981, failures=("SQNR is low",))
    assert "SQNR 27 dB is not reached" in str(not_reached([low], 27.0))
    assert "the best is 26.98 dB with" in str(not_reached([low], 27.0))
    outputs = np.ones((1, 4), np.float32)
    tolerance = ParityTolerance(min_cosine=0, min_sqnr_db=0, max_abs_error=1, min_top1_agreement=0)
    parity = compare(outputs, outputs * np.float32(1 - 10 ** (-26.981 / 20)), tolerance, trained=False)
    assert missed(parity, 27.0) == ("SQNR 26.98 dB is below 27 dB",)


def test_every_step_is_shown():
    shown = selection_lines(SelectiveFloat(budget_db=15.0, steps=(step(0, 10.0), step(1, 14.0))))
    assert shown == [
        "float   15 dB asked for; all in int8: SQNR 10.0 dB",
        "        + layer.0 in float, 10.0% of MACs: SQNR 14.0 dB",
    ]


@pytest.mark.parametrize(
    ("precision", "options", "measured", "said"),
    [
        ("fp32", ExportOptions(layer_errors=True), False, "--layer-errors is about int8 artifacts"),
        ("fp32", ExportOptions(selective_float=True), False, "--selective-float is about int8 artifacts"),
        ("int8", ExportOptions(selective_float=True, min_sqnr_db=20.0), True, "--min-sqnr does not go with --tune"),
        (
            "int8",
            ExportOptions(selective_float=True, min_sqnr_db=float("nan")),
            False,
            "must be a number of dB",
        ),
    ],
)
def test_options_that_contradict_each_other(precision, options, measured, said):
    with pytest.raises(UsageError, match=said):
        check_int8_options([profile_for("onnx", precision)], options, measured)
    check_int8_options([profile_for("onnx", "fp32")], ExportOptions(), measured=True)
