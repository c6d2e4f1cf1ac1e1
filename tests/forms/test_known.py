"""Tables of defaults: what is shipped names what exists, the most specific table wins, tuning adds to one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.catalog import PROFILES, builtin_folder, cards, find_card, load_toml, profile_for, profiles
from edgekit.errors import UsageError
from edgekit.forms import known
from edgekit.forms.known import find_form, remember, render, user_table
from edgekit.forms.offered import offered_forms
from edgekit.types import Evidence, FormTable, KnownForm, TargetClass

SHIPPED = sorted((builtin_folder(PROFILES) / "defaults").glob("*.toml"))
TARGETS = get_args(TargetClass)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    """An empty project folder, and a user folder that only the test writes."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return folder


LINE = """
[[known]]
network = "{network}"
format = "onnx"
precision = "int8"
form = "{form}"
measured = true
[known.int8_vs_float]
ratio = 0.5
model = "shufflenet_v1_g3_1.0"
cpu = "a CPU"
runtime_version = "1"
"""


def table(folder: Path, target: str, *lines: tuple[str, str], head: str = "") -> Path:
    """A table in ``folder/export_profiles``; each line is a network and its form."""
    path = folder / "export_profiles" / "defaults" / f"{target}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "".join(LINE.format(network=network, form=form) for network, form in lines)
    path.write_text(f'target = "{target}"\n{head}{body}')
    return path


@pytest.fixture
def alone(project, monkeypatch) -> Path:
    """The project's tables and no others: what the shipped ones say of a network is no part of the test."""
    monkeypatch.setattr(known, "folders", lambda _: [project / "export_profiles"])
    return project


CARD = "shufflenet_v1_g3_1.0"


def form_on(target: TargetClass) -> tuple[str, TargetClass | None] | None:
    found = find_form(find_card(CARD), profile_for("onnx", "int8"), target)
    return None if found is None else (found.known.form, found.measured_on)


# What is shipped


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_table_names_what_exists(path):
    from edgekit.passes.pipeline import PASSES

    shipped = load_toml(path, FormTable)
    assert shipped.target == path.stem
    seen = [(line.network, line.format, line.precision) for line in shipped.known]
    assert len(set(seen)) == len(seen)
    networks = {name for card in cards().values() for name in (card.id, card.family)}
    for line in shipped.known:
        assert line.network in networks
        names = {form.name for form in offered_forms(line.format, line.precision, shipped.target)}
        assert line.rewrites is not None or line.form in names
        assert set(line.rewrites or ()) <= set(PASSES)
        for evidence in (line.evidence, line.int8_vs_float):
            assert evidence is None or evidence.model in cards()


def test_every_target_has_a_table():
    assert {path.stem for path in SHIPPED} == set(TARGETS)


def test_tables_are_no_profiles():
    assert set(profiles()) == {path.stem for path in builtin_folder(PROFILES).glob("*.toml")}
    assert not set(profiles()) & set(TARGETS)


# Look-up


def test_the_project_goes_before_the_user_and_a_card_before_its_family(project, tmp_path):
    user = tmp_path / "config" / "edgekit"
    table(user, "x86-vnni", ("shufflenet_v1", "of the user"))
    assert form_on("x86-vnni") == ("of the user", "x86-vnni")
    table(user, "x86-vnni", ("shufflenet_v1", "of the user"), (CARD, "of the card"))
    assert form_on("x86-vnni") == ("of the card", "x86-vnni")
    table(project, "x86-vnni", ("shufflenet_v1", "of the project"))
    assert form_on("x86-vnni") == ("of the project", "x86-vnni")
    table(project, "x86-vnni", ("mobilenet_v1", "of another"))
    assert form_on("x86-vnni") == ("of the card", "x86-vnni")


def test_another_format_or_precision_is_another_matter(project):
    table(project, "mobile-gpu", (CARD, "mine"))
    card = find_card(CARD)
    assert find_form(card, profile_for("onnx", "int8"), "mobile-gpu").known.form == "mine"
    for format_, precision in (("onnx", "fp32"), ("tflite", "int8")):
        found = find_form(card, profile_for(format_, precision), "mobile-gpu")
        assert found is None or found.known.form != "mine"


def test_float16_goes_by_what_is_known_of_float32(project):
    path = table(project, "mobile-gpu", (CARD, "of float32"))
    path.write_text(path.read_text().replace('"int8"', '"fp32"'))
    card = find_card(CARD)
    assert find_form(card, profile_for("onnx", "fp16"), "mobile-gpu").known.form == "of float32"
    assert find_form(card, profile_for("onnx", "int8"), "mobile-gpu") is None


def test_what_is_taken_over_says_where_it_was_measured_and_leaves_int8_open(alone):
    table(alone, "x86-vnni", (CARD, "there"))
    table(alone, "armv8.2-dot", head='otherwise = "x86-vnni"\n')
    assert form_on("armv8.2-dot") == ("there", "x86-vnni")
    found = find_form(find_card(CARD), profile_for("onnx", "int8"), "armv8.2-dot")
    assert found.known.int8_vs_float is None


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_what_a_table_gives_can_be_made_on_the_target(target, precision):
    families = {card.family: card for card in cards().values()}
    for format_ in ("onnx", "tflite", "openvino"):
        names = {form.name for form in offered_forms(format_, precision, target)}
        for card in families.values():
            found = find_form(card, profile_for(format_, precision), target)
            assert found is None or found.known.rewrites is not None or found.known.form in names


def test_a_form_for_the_kernels_of_another_target_is_not_taken_over(alone):
    for form, taken in (("packed", False), ("dense-first", True)):
        path = table(alone, "x86-vnni", (CARD, form))
        path.write_text(path.read_text().replace('"int8"', '"fp32"'))
        table(alone, "armv8.2-dot", head='otherwise = "x86-vnni"\n')
        found = find_form(find_card(CARD), profile_for("onnx", "fp32"), "armv8.2-dot")
        assert (found is not None and found.known.form == form) is taken


@pytest.mark.parametrize(
    ("form", "there", "written_out"),
    [
        ("rows-float-early", "rows", False),
        ("float-early", None, False),
        ("rows-float-early", "rows", True),
        ("float-early", None, True),
        ("of my own", "of my own", True),
    ],
)
def test_layers_in_float_are_not_taken_over(alone, form, there, written_out):
    """Which layers int8 is slow at is a matter of the CPU; the rewrites are not, and are said to be unmeasured.

    ``written_out``: with rewrites and layers, as ``--tune`` writes a line.
    """
    path = table(alone, "x86-avx2", (CARD, form))
    path.write_text(path.read_text().replace('"onnx"', '"tflite"'))
    if written_out:
        lines = 'measured = true\nrewrites = ["fold_batch_norm"]\nkeep_float = ["@early"]'
        path.write_text(path.read_text().replace("measured = true", lines))
    table(alone, "armv8.0", head='otherwise = "x86-avx2"\n')
    card, profile = find_card(CARD), profile_for("tflite", "int8")
    assert find_form(card, profile, "x86-avx2").known.form == form
    found = find_form(card, profile, "armv8.0")
    assert (found and found.known.form) == there
    if found is not None:
        assert (found.measured_on, found.known.evidence, found.known.keep_float) == (None, None, ())
        assert form in found.known.note


# Mistakes


@pytest.mark.parametrize(
    ("wrong", "right", "said", "hint"),
    [
        ("measured", "mesured", "unknown key 'known.0.mesured'", "did you mean measured"),
        (
            "runtime_version",
            "runtimes_version",
            "unknown key 'known.0.int8_vs_float.runtimes_version'",
            "runtime_version",
        ),
        ('"int8"', '"int9"', "known.0.precision", "correct it"),
        ('target = "x86-vnni"', 'target = "x86-avx2"', "has target 'x86-avx2'", "the same"),
        ("measured = true", "measured = false", "measured = false needs a note", "correct it"),
        ("[known.int8_vs_float]", "[known.evidens]", "unknown key 'known.0.evidens'", "did you mean evidence"),
    ],
)
def test_a_mistake_in_a_table_is_named(project, wrong, right, said, hint):
    path = table(project, "x86-vnni", (CARD, "form"))
    path.write_text(path.read_text().replace(wrong, right, 1))
    with pytest.raises(UsageError) as caught:
        form_on("x86-vnni")
    assert said in str(caught.value)
    assert str(path.relative_to(project)) in str(caught.value)
    assert hint in caught.value.hint


# What tuning writes

words = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=12)
evidence = st.builds(
    Evidence,
    ratio=st.floats(0.01, 100),
    low=st.none() | st.floats(0.01, 100),
    high=st.none() | st.floats(0.01, 100),
    pairs=st.none() | st.integers(5, 99),
    model=words,
    cpu=words,
    runtime_version=words,
    threads=st.integers(1, 8),
    date=st.none() | words,
)
lines = st.builds(
    KnownForm,
    network=words,
    format=st.sampled_from(["onnx", "tflite", "openvino"]),
    precision=st.just("int8"),
    form=words,
    rewrites=st.none() | st.lists(words, max_size=3).map(tuple),
    keep_float=st.lists(words, max_size=2).map(tuple),
    takes=st.none() | st.just("fp32"),
    measured=st.just(True),
    against=words,
    evidence=evidence,
    int8_vs_float=st.none() | evidence,
    note=words,
)


@given(st.lists(lines, max_size=3).map(tuple), st.none() | st.sampled_from(TARGETS))
def test_a_table_reads_as_it_was_written(known, otherwise):
    written = FormTable(target="x86-vnni", otherwise=otherwise, known=known)
    assert FormTable.from_plain(tomllib.loads(render(written))) == written


def test_a_newer_line_takes_the_place_of_the_older():
    def line(network: str, form: str) -> KnownForm:
        return KnownForm(network=network, format="onnx", precision="int8", form=form, measured=False, note="a test")

    for network, form in ((CARD, "first"), ("igcv3", "other"), (CARD, "second")):
        assert remember(line(network, form), "x86-vnni") == user_table("x86-vnni")
    kept = load_toml(user_table("x86-vnni"), FormTable)
    assert [(one.network, one.form) for one in kept.known] == [("igcv3", "other"), (CARD, "second")]
    assert form_on("x86-vnni") == ("second", None)
