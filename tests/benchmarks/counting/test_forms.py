"""A form that was not made: left out, refused, or broken."""

from __future__ import annotations

import pytest

from benchmarks.counting.forms import outcome_of
from edgekit.errors import ToolError
from edgekit.types import FormOutcome, TriedForm


def form(outcome: FormOutcome, reason: str) -> TriedForm:
    """A form of that outcome."""
    return TriedForm(name="rows", rewrites=(), keep_float=(), outcome=outcome, reason=reason)


def test_a_form_that_changes_nothing_keeps_its_reason() -> None:
    same = "its rewrites do what those of default do"
    assert outcome_of(form("same graph", same)) == {"outcome": "same graph", "reason": same}


def test_a_named_refusal_of_a_pass_is_a_row() -> None:
    refused = outcome_of(form("failed to convert", "UsageError: it has no groups"))
    assert refused == {"outcome": "refused", "reason": "UsageError: it has no groups"}


def test_a_pass_that_breaks_ends_the_run() -> None:
    with pytest.raises(ToolError, match="the form rows failed to convert: KeyError: 'conv1'"):
        outcome_of(form("failed to convert", "KeyError: 'conv1'"))
