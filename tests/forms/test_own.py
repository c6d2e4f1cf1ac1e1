"""The forms of a network of one's own."""

from __future__ import annotations

import pytest

from edgekit.catalog import profile_for
from edgekit.errors import UsageError
from edgekit.forms.own import own_form, own_forms
from edgekit.forms.resolve import kept_in_float


def test_they_choose_rewrites_alone():
    profile = profile_for("tflite", "int8")
    forms = own_forms(profile, "x86-avx2")
    assert list(forms)[:2] == ["as-written", "all-int8"]
    assert {"rows", "split-groups", "no-rewrites"} <= set(forms)
    assert not any("float" in name for name in forms)
    assert {kept_in_float(form) for form in forms.values()} == {kept_in_float(profile)}
    assert forms["as-written"].rewrites == forms["all-int8"].rewrites == profile.rewrites
    assert forms["no-rewrites"].rewrites == ()
    assert all(form.form == name for name, form in forms.items())
    assert "all-int8" not in own_forms(profile_for("tflite", "fp32"), "x86-avx2")


def test_the_form_that_is_asked_for():
    profile = profile_for("onnx", "fp32")
    for name in ("best-known", "default", "as-written"):
        assert own_form(profile.model_copy(update={"form": name})).form == "as-written"
    bare = own_form(profile.model_copy(update={"form": "no-rewrites"}))
    assert (bare.form, bare.rewrites) == ("no-rewrites", ())
    with pytest.raises(UsageError, match="unknown form 'all-int8'") as caught:
        own_form(profile.model_copy(update={"form": "all-int8"}))
    assert "no-rewrites" in caught.value.hint
