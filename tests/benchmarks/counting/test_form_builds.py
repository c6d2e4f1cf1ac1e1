"""What counts as a refusal of a form, and what ends the run."""

from __future__ import annotations

import pytest

from benchmarks.counting.form_builds import refusal
from edgekit.artifacts.make import Attempt
from edgekit.errors import ToolError, UsageError, VerificationError


def test_what_a_network_cannot_have_is_a_refusal() -> None:
    missed = Attempt("failed to verify", error=VerificationError("audit: 32 of 64 execute in float"))
    assert refusal(missed) == "failed to verify: audit: 32 of 64 execute in float"
    assert refusal(Attempt("failed to convert", error=UsageError("no such layer"))).endswith("no such layer")


def test_a_fault_is_none() -> None:
    broken = ToolError("the converter crashed")
    with pytest.raises(ToolError) as raised:
        refusal(Attempt("failed to convert", error=broken))
    assert raised.value is broken
    with pytest.raises(ToolError, match="no error says why"):
        refusal(Attempt("failed to convert"))
