"""Forms that are built, tried and measured for real; those that break on the way; and the choice that follows."""

from __future__ import annotations

import json
import math
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.artifacts.prepare import ExportOptions, prepare
from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.bench.choice import Compared, Question
from edgekit.bench.session import Limits
from edgekit.catalog import find_card, load_toml, profile_for
from edgekit.errors import ToolError, VerificationError
from edgekit.forms.known import user_table
from edgekit.forms.offered import offered_forms
from edgekit.forms.resolve import resolve, with_form
from edgekit.tuning.build import Built, build_all, forms_to_try, none_left, tried
from edgekit.tuning.choose import Wishes, decide, export_measured, try_out
from edgekit.tuning.known import known_form
from edgekit.tuning.place import Place, find_place, on_target
from edgekit.tuning.zoo import ZooNetwork
from edgekit.types import Artifact, FormTable, Int8VsFloat, Ratio, Stored, TriedForm, TuningConditions
from edgekit.verbs.devices import add_device
from edgekit.verbs.export import export

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
SHORT = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=10, min_s=0.0, max_s=0.2)
CONDITIONS = TuningConditions(
    model="tiny",
    target="x86-vnni",
    device="local",
    cpu="a CPU",
    runtime="onnxruntime",
    runtime_version="1",
    threads=1,
    date="2026-01-02",
)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    """A project folder, and a user folder that only the test writes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def built(*names: str) -> list[Built]:
    """The same small artifact in forms of several names."""
    stored = read_manifest(TINY / "onnx-fp32")
    profile = profile_for("onnx", "fp32")
    return [Built(profile.model_copy(update={"form": name}), stored) for name in names]


def ratio(value: float, low: float, high: float) -> Ratio:
    return Ratio(ratio=value, low=low, high=high, pairs=10)


FAST, FASTER, SLOW = ratio(1.2, 1.1, 1.3), ratio(1.4, 1.05, 1.8), ratio(0.8, 0.7, 0.9)
EQUAL, OPEN = ratio(1.0, 0.98, 1.02), ratio(1.1, 0.9, 1.3)


def decided(**ratios: Ratio):
    """The choice among the base and the contenders of these ratios."""
    found = Compared(confidence=0.95, ratios={Question("base", name): value for name, value in ratios.items()})
    return decide(built("base", *ratios), [], "base", found, CONDITIONS)


# The choice


@pytest.mark.parametrize(
    ("ratios", "choice", "reason"),
    [
        ({"a": SLOW, "b": FAST}, "b", "b is 1.20x as fast as base (1.10 to 1.30, 10 pairs)"),
        ({"a": FASTER, "b": FAST}, "a", "a is 1.40x as fast"),
        ({"a": SLOW, "b": EQUAL}, "base", "base stays: no other form is faster"),
        (
            {"a": OPEN},
            "base",
            "base stays: the device is too noisy to tell whether another is faster (a 0.90 to 1.30x)",
        ),
        ({"a": OPEN, "b": FAST}, "b", "b is 1.20x as fast"),
        ({}, "base", "base is the only form that is left"),
    ],
)
def test_only_a_whole_interval_beats_the_base(ratios, choice, reason):
    tuning = decided(**ratios)
    assert tuning.choice == choice
    assert tuning.reason.startswith(reason)
    assert [form.name for form in tuning.forms] == ["base", *ratios]
    assert tuning.forms[0].outcome == "base"


def test_forms_that_failed_and_dropped_rounds_are_on_record():
    lost = tried(built("lost")[0].profile, "failed to verify", "parity: SQNR 3 dB")
    found = Compared(confidence=0.95, ratios={Question("b", "c"): FAST}, dropped=2)
    tuning = decide(built("b", "c"), [lost], "lost", found, CONDITIONS)
    assert tuning.base == "b"
    assert tuning.forms[-1] == lost
    assert tuning.reason == (
        "lost failed, so that b was the base; c is 1.20x as fast as b (1.10 to 1.30, 10 pairs) "
        "(2 rounds dropped: the device throttled)"
    )


def test_an_overloaded_device_decides_nothing():
    found = Compared(confidence=0.95, ratios={Question("base", "a"): FAST}, overload="20.1 runnable tasks on 2 cores")
    tuning = decide(built("base", "a"), [], "base", found, CONDITIONS)
    assert tuning.choice == "base"
    assert tuning.forms[1].outcome == "undecided"
    assert "the device is overloaded (20.1 runnable tasks on 2 cores)" in tuning.reason
    against = Int8VsFloat(conditions=CONDITIONS, speed="undecided", ratio=SLOW, overload=found.overload)
    assert known_form(find_card("squeezenet"), built("base")[0].profile, decided(), against) is None


def test_what_later_exports_take():
    card, profile = find_card("squeezenet"), built("b")[0].profile
    line = known_form(card, profile, decided(a=SLOW, b=FAST), None)
    assert (line.network, line.form, line.against, line.rewrites) == (card.id, "b", "base", profile.rewrites)
    assert (line.evidence.ratio, line.evidence.low, line.evidence.date) == (1.2, 1.1, "2026-01-02")
    # The base stayed: it rests on its closest rival.
    line = known_form(card, built("base")[0].profile, decided(a=SLOW, b=EQUAL), None)
    assert (line.form, line.against, line.evidence.ratio) == ("base", "b", 1.0)
    # Nothing was decided, and nothing but int8 against float.
    assert known_form(card, built("base")[0].profile, decided(a=OPEN), None) is None
    assert known_form(card, built("base")[0].profile, decided(), None) is None
    against = Int8VsFloat(conditions=CONDITIONS, speed="slower", ratio=SLOW)
    assert known_form(card, built("base")[0].profile, decided(), against).int8_vs_float.ratio == 0.8
    # A profile of the user's own says nothing of the default.
    assert known_form(card, built("as-written")[0].profile, decided(a=SLOW), against) is None


def test_forms_that_ask_for_the_same_are_tried_once():
    base = resolve(find_card("squeezenet"), profile_for("onnx", "int8")).profile
    names = [profile.form for profile in forms_to_try(base, "x86-vnni")]
    assert names[0] == "default"
    assert "dense-all" in names
    assert len(names) == len(set(names))


def test_when_nothing_is_left_every_form_is_named():
    (profile,) = (one.profile for one in built("a"))
    broken = tried(profile.model_copy(update={"form": "b"}), "failed to convert", "it crashed")
    error = none_left("tiny onnx-fp32", [broken])
    assert isinstance(error, ToolError)
    assert str(error) == "the only form of tiny onnx-fp32 cannot be used:\n  b: failed to convert: it crashed"
    wrong = tried(profile, "failed to verify", "parity")
    twin = tried(profile.model_copy(update={"form": "c"}), "same graph", "its rewrites do what those of b do")
    both = none_left("tiny onnx-fp32", [broken, wrong, twin])
    assert isinstance(both, VerificationError)
    assert str(both) == (
        "none of the 2 forms of tiny onnx-fp32 can be used:\n"
        "  b: failed to convert: it crashed\n  a: failed to verify: parity"
    )


# The place


def test_a_device_behind_ssh_is_measured_there(ssh_board, project, monkeypatch):
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    add_device("board", "board", python=sys.executable)
    place = find_place("board", 1, silent, limits=SHORT, looks=(5,))
    assert place.device.transport == "ssh"
    assert place.target == find_place("local", 1, silent).target
    with place.session(silent) as session:
        usable, first, failed = try_out(built("a", "b"), session, silent)
    assert failed == []
    assert [one.name for one in usable] == ["a", "b"]
    assert place.conditions(first).device == "board"


def test_a_form_that_breaks_on_the_device_is_named_and_skipped(project):
    good, bad = built("good", "bad")
    (project / "broken").mkdir()
    (project / "broken" / "model.onnx").write_bytes(b"broken")
    core = max(os.sched_getaffinity(0))
    place = find_place("local", 1, silent, limits=SHORT, cores=str(core))
    with place.session(silent) as session:
        usable, first, failed = try_out(
            [replace(bad, stored=Stored(project / "broken", bad.artifact)), good], session, silent
        )
    assert [one.name for one in usable] == ["good"]
    assert first.model == "tiny"
    assert first.pinned.cpus == (core,)
    assert place.conditions(first).workers == f"1 thread(s) on cores {core}"
    assert [(one.name, one.outcome) for one in failed] == [("bad", "failed on the device")]
    assert "latency of tiny onnx-fp32 on onnxruntime failed" in failed[0].reason


# The whole way


@pytest.fixture
def place() -> Place:
    """This machine, looked at briefly, however busy it is."""
    return replace(find_place("local", 1, silent, limits=SHORT, looks=(5,)), spare=math.inf)


@pytest.fixture
def few_forms(monkeypatch) -> None:
    """Of the candidates only those that differ in a CondenseNet and are quick to convert."""
    wanted = ("default", "shift", "dense-pointwise")
    few = lambda *of: tuple(form for form in offered_forms(*of) if form.name in wanted)  # noqa: E731
    monkeypatch.setattr("edgekit.tuning.build.offered_forms", few)


@pytest.mark.slow
def test_a_network_is_tuned_and_later_exports_take_its_form(tiny_condensenet, project, place, few_forms):
    profile = profile_for("onnx", "fp32")
    sources = {"tiny_condensenet": str(tiny_condensenet)}
    options = ExportOptions(out=project / "out", sources=sources)
    (outcome,) = export_measured([str(tiny_condensenet)], [profile], options, place, Wishes(), silent)
    assert outcome.status == "converted", outcome.error
    stored = read_manifest(project / "out" / "tiny_condensenet" / "onnx-fp32").artifact
    assert stored == outcome.artifact
    tuning = stored.tuning
    assert tuning.conditions.target == place.target
    outcomes = {form.name: form.outcome for form in tuning.forms}
    (base,) = (name for name, outcome in outcomes.items() if outcome == "base")  # the table's form of this machine
    assert set(outcomes) == {"default", "shift", "dense-pointwise", base}
    measured = [form for form in tuning.forms if form.ratio is not None]
    assert measured, "no form of a CondenseNet differs from the default"
    assert all(form.ratio.pairs == 5 for form in measured)
    assert tuning.choice in outcomes
    assert (stored.form.name, stored.form.by) == (tuning.choice, "tuning")
    assert f"--form {tuning.choice}" in stored.command
    left = known_form(find_card(str(tiny_condensenet)), outcome_profile(stored, profile), tuning, None)
    if left is None:  # too noisy to decide
        assert not user_table(place.target).exists()
        return
    (line,) = load_toml(user_table(place.target), FormTable).known
    assert (line.form, line.network, line.measured) == (tuning.choice, "tiny_condensenet", True)
    (again,) = export([str(tiny_condensenet)], [profile], options, silent)
    assert again.artifact.sha256 == stored.sha256
    assert (again.artifact.form.name, again.artifact.form.by) == (tuning.choice, "table")
    assert again.artifact.form.measured_on == place.target


@pytest.mark.slow
def test_a_network_is_tuned_on_a_device_behind_ssh(tiny_condensenet, project, ssh_board, few_forms, monkeypatch, heard):
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    add_device("board", "board", python=sys.executable)
    place = replace(find_place("board", 1, silent, limits=SHORT, looks=(5,)), spare=math.inf)
    options = ExportOptions(out=project / "out")
    (outcome,) = export_measured(
        [str(tiny_condensenet)], [profile_for("tflite", "fp32")], options, place, Wishes(), heard
    )
    assert outcome.status == "converted", outcome.error
    artifact = outcome.artifact
    assert artifact.tuning.conditions.device == "board"
    assert artifact.form.name == artifact.tuning.choice
    assert {form.ratio.pairs for form in artifact.tuning.forms if form.ratio is not None} == {5}
    assert "tiny_condensenet tflite-fp32: connecting to board" in heard.lines
    assert ssh_board.runs == []


def outcome_profile(artifact: Artifact, profile):
    """The profile in the form that was taken."""
    rewrites = next(form.rewrites for form in artifact.tuning.forms if form.name == artifact.form.name)
    return profile.model_copy(update={"form": artifact.form.name, "rewrites": rewrites})


@pytest.mark.slow
def test_a_form_that_breaks_parity_or_crashes_costs_no_other(tiny_condensenet, project, place):
    card = find_card(str(tiny_condensenet))
    good = resolve(card, on_target(profile_for("tflite", "fp32"), place)).profile
    strict = good.parity.model_copy(update={"min_sqnr_db": 500.0})
    wrong = good.model_copy(update={"form": "wrong", "rewrites": ("fold_batch_norm",), "parity": strict})
    crash = good.model_copy(update={"form": "crash", "rewrites": ("no_such_pass",)})
    twin = good.model_copy(update={"form": "twin", "rewrites": (*good.rewrites, "split_hard_swish")})
    prepared = prepare(card, None, ExportOptions(out=project / "out"), project)
    (project / "forms").mkdir()
    usable, others = build_all(ZooNetwork(prepared), [crash, good, wrong, twin], project / "forms", silent)
    assert [one.name for one in usable] == [good.form]
    reasons = {one.name: (one.outcome, one.reason) for one in others}
    assert reasons["crash"][0] == "failed to convert"
    assert "unknown rewrite 'no_such_pass'" in reasons["crash"][1]
    assert reasons["wrong"][0] == "failed to verify"
    assert "SQNR" in reasons["wrong"][1]
    assert reasons["twin"] == ("same graph", f"its rewrites do what those of {good.form} do")


@pytest.mark.slow
def test_a_form_that_needs_float_is_made_as_an_export_makes_it(tiny_condensenet, project):
    card = find_card(str(tiny_condensenet))
    profile = resolve(card, profile_for("tflite", "int8")).profile
    prepared = prepare(card, None, ExportOptions(out=project / "out"), project)
    plain = ZooNetwork(prepared).build(profile, project / "plain")
    assert isinstance(plain, Built), plain.reason
    bounds = profile.parity.model_copy(update={"min_sqnr_db": round(plain.artifact.parity.sqnr_db + 0.5, 1)})
    tight = profile.model_copy(update={"parity": bounds})
    near = ZooNetwork(prepared).build(tight, project / "near")
    assert isinstance(near, Built), near.reason
    assert near.artifact.parity.sqnr_db >= bounds.min_sqnr_db
    assert near.artifact.float_macs_share > plain.artifact.float_macs_share
    strict = replace(prepared, options=replace(prepared.options, strict_int8=True))
    refused = ZooNetwork(strict).build(tight, project / "strict")
    assert isinstance(refused, TriedForm)
    assert refused.outcome == "failed to verify"


@pytest.mark.slow
def test_int8_has_to_be_faster_where_that_is_required(tiny_condensenet, project, place):
    options = ExportOptions(out=project / "out")
    profile = profile_for("tflite", "int8")
    wishes = Wishes(forms=False, speedup=1000.0)
    (outcome,) = export_measured([str(tiny_condensenet)], [profile], options, place, wishes, silent)
    assert outcome.status == "not fast enough", outcome.error
    assert isinstance(outcome.error, VerificationError)
    assert "int8 is not over 1000x as fast as float32" in str(outcome.error)
    assert "float32 takes" in str(outcome.error)
    assert not list((project / "out").rglob("manifest.json"))
    lax = Wishes(forms=False, speedup=0.001)
    (outcome,) = export_measured([str(tiny_condensenet)], [profile], options, place, lax, silent)
    assert outcome.status == "converted", outcome.error
    manifest = json.loads((outcome.folder / "manifest.json").read_text())
    assert manifest["int8_vs_float"]["ratio"]["pairs"] == 5
    assert manifest["tuning"] is None
    assert not user_table(place.target).exists()


def test_forms_that_come_to_the_same_are_known_without_a_conversion(tiny_condensenet, project):
    card = find_card(str(tiny_condensenet))
    profile = profile_for("onnx", "int8").model_copy(update={"form": "default"})
    forms = [
        with_form(profile, name, rewrites, keep_float)
        for name, rewrites, keep_float in (
            ("default", ("fold_batch_norm",), ()),
            ("swish", ("fold_batch_norm", "split_hard_swish"), ()),  # there is none
            ("float-swish", ("fold_batch_norm",), ("@hard-swish",)),
            ("float-groups", ("fold_batch_norm",), ("@grouped-conv",)),
            ("broken", ("no_such_pass",), ()),
        )
    ]
    prepared = prepare(card, None, ExportOptions(out=project / "out"), project)
    distinct, others = ZooNetwork(prepared).distinct(forms)
    assert [one.form for one in distinct] == ["default", "float-groups"]
    assert [(one.name, one.outcome) for one in others] == [
        ("swish", "same graph"),
        ("float-swish", "same graph"),
        ("broken", "failed to convert"),
    ]
