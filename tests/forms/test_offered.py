"""The forms to choose from: known passes, the default first, every name once."""

from __future__ import annotations

import itertools

import pytest

from edgekit.catalog import profile_for
from edgekit.forms.offered import all_in_int8, offered_forms
from edgekit.passes.pipeline import PASSES

FORMATS, PRECISIONS, TARGETS = ("onnx", "tflite", "openvino"), ("fp32", "fp16", "int8"), ("x86-avx2", "x86-vnni")


@pytest.mark.parametrize(("format_", "precision", "target"), itertools.product(FORMATS, PRECISIONS, TARGETS))
def test_forms(format_, precision, target):
    forms = offered_forms(format_, precision, target)
    assert forms[0].rewrites == profile_for(format_, precision).rewrites
    assert len({form.name for form in forms}) == len(forms)
    assert {name for form in forms for name in form.rewrites} <= set(PASSES)
    assert precision == "int8" or not any(form.keep_float for form in forms)
    assert all(form.reason for form in forms)


EARLY = dict.fromkeys(
    ("float-early", "rows-float-early", "dense-rows-float-early", "split-groups-float-early"), "@early"
)


@pytest.mark.parametrize(
    ("format_", "target", "kept"),
    [
        (
            "onnx",
            "x86-avx2",
            {"float-groups": "@grouped-conv", "float-stem": "@stem", "sixteens-float-stem": "@stem"},
        ),
        ("tflite", "x86-avx2", EARLY),
        ("tflite", "armv8.0", EARLY),
        ("tflite", "x86-vnni", {}),
        ("openvino", "x86-avx2", {}),
    ],
)
def test_forms_with_layers_in_float(format_, target, kept):
    forms = offered_forms(format_, "int8", target)
    assert {form.name: form.keep_float for form in forms if form.keep_float} == {n: (k,) for n, k in kept.items()}


def test_the_same_form_all_in_int8():
    assert all_in_int8("rows-float-early", "tflite", "int8", "x86-avx2") == "rows"
    assert all_in_int8("float-early", "tflite", "int8", "x86-avx2") == "default"
    assert all_in_int8("rows", "tflite", "int8", "x86-avx2") == "rows"
    assert all_in_int8("not-there", "tflite", "int8", "x86-avx2") == "not-there"
