"""Which form an export takes: the table's, the profile's own, or the one that was named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgekit.catalog import PROFILES, builtin_folder, find_card, profile_for
from edgekit.errors import UsageError
from edgekit.forms.known import remember, user_table
from edgekit.forms.offered import offered_forms
from edgekit.forms.profiles import choose_profiles
from edgekit.forms.resolve import describe_form, resolve
from edgekit.types import Evidence, ExportProfile, KnownForm

CARD = find_card("shufflenet_v1_g3_0.25")
SEEN = Evidence(
    ratio=1.3, low=1.2, high=1.4, pairs=10, model=CARD.id, cpu="a CPU", runtime_version="1", date="2026-01-02"
)
SLOW = SEEN.model_copy(update={"ratio": 0.5, "low": 0.4, "high": 0.6})


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch) -> None:
    """No table but the built-in ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def known(**more) -> KnownForm:
    fields = {"network": CARD.id, "format": "onnx", "precision": "int8", "form": "shift", "measured": True}
    return KnownForm(**{**fields, "evidence": SEEN, **more})


def int8(target: str = "x86-vnni") -> ExportProfile:
    return profile_for("onnx", "int8").model_copy(update={"target": target})


def test_what_nobody_measured_is_the_profile_s_own_and_says_so():
    profile = profile_for("openvino", "int8").model_copy(update={"target": "mobile-gpu"})
    resolved = resolve(CARD, profile).profile
    assert (resolved.form, resolved.rewrites) == ("default", profile.rewrites)
    chosen = describe_form(CARD, resolved, "mobile-gpu")
    assert (chosen.name, chosen.by, chosen.measured_on) == ("default", "profile", None)
    assert chosen.note == "no form of shufflenet_v1 was measured on mobile-gpu for openvino int8"


def test_the_table_s_form_is_taken_with_its_evidence():
    remember(known(), "x86-vnni")
    resolved = resolve(CARD, int8())
    shift = next(form for form in offered_forms("onnx", "int8", "x86-vnni") if form.name == "shift")
    assert resolved.note == ""
    assert (resolved.profile.form, resolved.profile.rewrites) == ("shift", shift.rewrites)
    chosen = describe_form(CARD, resolved.profile, "x86-vnni")
    assert (chosen.by, chosen.measured_on, chosen.evidence, chosen.note) == ("table", "x86-vnni", SEEN, "")
    assert chosen.against == "default"


def test_rewrites_of_a_table_s_own(tmp_path):
    remember(known(form="own", rewrites=("fold_batch_norm",)), "x86-vnni")
    for profile in (int8(), int8().model_copy(update={"form": "own"})):
        resolved = resolve(CARD, profile).profile
        assert (resolved.form, resolved.rewrites) == ("own", ("fold_batch_norm",))


def test_layers_that_a_form_keeps_in_float_add_to_the_profile_s():
    remember(known(form="mixed", rewrites=("fold_batch_norm",), keep_float=("@depthwise-conv",)), "x86-vnni")
    settings = int8().quantization.model_copy(update={"keep_float": ("stem",)})
    own = int8().model_copy(update={"quantization": settings})
    for profile, kept in ((int8(), ("@depthwise-conv",)), (own, ("stem", "@depthwise-conv"))):
        resolved = resolve(CARD, profile).profile
        assert (resolved.form, resolved.quantization.keep_float) == ("mixed", kept)


def test_a_form_from_another_target_says_that_it_was_not_measured_here(monkeypatch):
    remember(known(), "x86-vnni")
    empty = user_table("armv8.2-dot")  # the shipped one may know this network
    empty.write_text('target = "armv8.2-dot"\notherwise = "x86-vnni"\n')
    monkeypatch.setattr("edgekit.forms.known.folders", lambda _: [empty.parent.parent])
    resolved = resolve(CARD, int8("armv8.2-dot")).profile
    assert resolved.form == "shift"
    chosen = describe_form(CARD, resolved, "armv8.2-dot")
    assert chosen.measured_on == "x86-vnni"
    assert chosen.note == "measured on x86-vnni, not on armv8.2-dot"


def test_a_form_that_nobody_measured_says_so():
    card = find_card("condensenet_imagenet74_g4c4")
    profile = profile_for("tflite", "fp32").model_copy(update={"target": "mobile-gpu"})
    resolved = resolve(card, profile).profile
    assert resolved.form == "aligned-groups"
    chosen = describe_form(card, resolved, "mobile-gpu")
    assert chosen.measured_on is None
    assert chosen.note.startswith("not measured on mobile-gpu: no GATHER_ND")


def test_int8_that_is_known_to_be_slow_is_said():
    remember(known(int8_vs_float=SLOW), "x86-vnni")
    resolved = resolve(CARD, int8()).profile
    assert resolved.precision == "int8"
    note = describe_form(CARD, resolved, "x86-vnni").note
    assert note.startswith(
        "int8 is slower than float32 on x86-vnni: float32 / int8 latency 0.50x (0.40 to 0.60, 10 pairs"
    )


def test_float_in_place_of_int8_is_taken_and_said_but_not_against_a_name():
    remember(known(int8_vs_float=SLOW, takes="fp32"), "x86-vnni")
    resolved = resolve(CARD, int8())
    assert (resolved.profile.name, resolved.profile.precision) == ("onnx-fp32", "fp32")
    assert resolved.profile.target == "x86-vnni"
    assert resolved.note.startswith(
        "onnx-fp32 instead of onnx-int8: int8 does not pay here: float32 / int8 latency 0.50x"
    )
    assert resolved.note.endswith("--form shift makes int8 all the same")
    assert resolve(CARD, int8().model_copy(update={"form": "shift"})).profile.precision == "int8"
    assert resolve(CARD, int8(), float_instead=False).profile.form == "shift"
    assert resolve(CARD, int8("armv8.2-dot")).profile.precision == "int8"  # whether it pays there is not known


def test_float_with_the_preprocessing_that_was_asked_for():
    remember(known(int8_vs_float=SLOW, takes="fp32"), "x86-vnni")
    (profile,) = choose_profiles("onnx", int8=True, bake_preprocess=True, target="x86-vnni")
    resolved = resolve(CARD, profile).profile
    assert (resolved.name, resolved.bake_preprocess) == ("onnx-fp32-baked", True)


def test_float_in_the_opset_that_was_asked_for():
    remember(known(int8_vs_float=SLOW, takes="fp32"), "x86-vnni")
    (profile,) = choose_profiles("onnx", int8=True, target="x86-vnni", opset=15, ir_version=9)
    resolved = resolve(CARD, profile).profile
    assert (resolved.name, resolved.opset, resolved.ir_version) == ("onnx-fp32-opset15-ir9", 15, 9)


@pytest.mark.parametrize("rewrites", [(), ("fold_batch_norm",)])
def test_rewrites_written_on_purpose_stay(rewrites):
    remember(known(), "x86-vnni")
    resolved = resolve(CARD, int8().model_copy(update={"rewrites": rewrites})).profile
    assert (resolved.form, resolved.rewrites) == ("as-written", rewrites)
    assert describe_form(CARD, resolved, "x86-vnni").by == "profile"


def test_a_named_form():
    (profile,) = choose_profiles("onnx", int8=True, target="x86-vnni", form="dense-shuffled")
    remember(known(), "x86-vnni")
    resolved = resolve(CARD, profile).profile
    assert "densify_shuffled" in resolved.rewrites
    chosen = describe_form(CARD, resolved, "x86-vnni")
    assert (chosen.name, chosen.by, chosen.note) == ("dense-shuffled", "name", "the best known form is shift")
    (default,) = choose_profiles("onnx", int8=True, target="x86-vnni", form="default")
    assert resolve(CARD, default).profile.rewrites == profile_for("onnx", "int8").rewrites


def test_forms_build_on_the_built_in_profile_where_the_project_has_one_of_its_name(tmp_path):
    builtin = (builtin_folder(PROFILES) / "onnx-fp32.toml").read_text()
    own = tmp_path / PROFILES / "onnx-fp32.toml"
    own.parent.mkdir()
    own.write_text(re.sub(r"rewrites = \[.*?\]", "rewrites = []", builtin, flags=re.DOTALL))
    assert profile_for("onnx", "fp32").rewrites == ()
    (profile,) = choose_profiles("onnx", target="x86-vnni", form="dense-shuffled")
    assert {"fold_batch_norm", "densify_shuffled"} < set(resolve(CARD, profile).profile.rewrites)
    (profile,) = choose_profiles("onnx", target="x86-vnni")
    assert (resolve(CARD, profile).profile.form, resolve(CARD, profile).profile.rewrites) == ("as-written", ())
    with pytest.raises(UsageError, match="unknown form 'nosuch' of onnx-fp32"):
        resolve(CARD, profile.model_copy(update={"form": "nosuch"}))


def test_an_unknown_form_is_named():
    (profile,) = choose_profiles("onnx", int8=True, form="dense-shufled")
    with pytest.raises(UsageError, match="unknown form 'dense-shufled' of onnx-int8") as caught:
        resolve(CARD, profile)
    assert "did you mean dense-shuffled" in caught.value.hint


@pytest.mark.parametrize(("format_", "precision"), [("onnx", "int8"), ("tflite", "int8"), ("openvino", "fp32")])
def test_forms_are_listed_however_many_there_are(format_, precision):
    (profile,) = choose_profiles(format_, int8=precision == "int8", target="x86-vnni", form="nosuch")
    with pytest.raises(UsageError, match="unknown form 'nosuch' of") as caught:
        resolve(CARD, profile)
    names = {form.name for form in offered_forms(format_, precision, "x86-vnni")} | {"default", "best-known"}
    assert set(caught.value.hint.removeprefix("known:").replace(",", " ").split()) == names
    assert max(map(len, caught.value.hint.splitlines())) <= 110


@pytest.mark.parametrize(
    ("format_", "form", "said"),
    [
        ("onnx", "dense-rows-float-early", "form 'dense-rows-float-early' is of tflite int8, not of onnx int8"),
        ("onnx", "blocked", "form 'blocked' is of onnx dynamic and onnx fp16 and onnx fp32, not of onnx int8"),
        ("tflite", "aligned-groups", "form 'aligned-groups' of tflite-int8 is for mobile-gpu, not for x86-vnni"),
    ],
)
def test_a_form_of_something_else_says_of_what(format_, form, said):
    (profile,) = choose_profiles(format_, int8=True, target="x86-vnni", form=form)
    with pytest.raises(UsageError, match=f"^{said}$") as caught:
        resolve(CARD, profile)
    assert "known: " in caught.value.hint


def test_an_unknown_form_in_a_table_names_the_table():
    path: Path = remember(known(form="shfit"), "x86-vnni")
    with pytest.raises(UsageError, match="unknown form 'shfit' of shufflenet_v1") as caught:
        resolve(CARD, int8())
    assert str(path) in str(caught.value)
    assert caught.value.hint.startswith("did you mean shift")


def test_a_form_that_was_counted_says_so_and_is_not_called_measured() -> None:
    card = find_card("condensenet")
    resolved = resolve(card, int8("armv8.2-dot")).profile
    chosen = describe_form(card, resolved, "armv8.2-dot")
    assert (chosen.name, chosen.measured_on, chosen.evidence) == ("dense-narrow", None, None)
    assert "not measured on armv8.2-dot: counted on a simulated cortex-a76, plain executes" in chosen.note
