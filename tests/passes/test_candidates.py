"""The forms to choose from: known passes, the default first, every name once."""

from __future__ import annotations

import itertools

import pytest

from edgekit.catalog import profile_for
from edgekit.passes.candidates import candidates
from edgekit.passes.pipeline import PASSES

FORMATS, PRECISIONS, TARGETS = ("onnx", "tflite", "openvino"), ("fp32", "fp16", "int8"), ("x86-avx2", "x86-vnni")


@pytest.mark.parametrize(("format_", "precision", "target"), itertools.product(FORMATS, PRECISIONS, TARGETS))
def test_forms(format_, precision, target):
    forms = candidates(format_, precision, target)
    assert forms[0].rewrites == profile_for(format_, precision).rewrites
    assert len({form.name for form in forms}) == len(forms)
    assert {name for form in forms for name in form.rewrites} <= set(PASSES)
    assert precision == "int8" or not any(form.keep_float for form in forms)
    assert all(form.reason for form in forms)
    stems = [form.keep_float for form in forms if form.name == "float-stem"]
    assert stems == ([("@stem",)] if (format_, precision) == ("tflite", "int8") else [])
