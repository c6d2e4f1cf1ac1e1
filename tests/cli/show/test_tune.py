"""What is printed of a choice: the form and what it rests on, the measured forms, int8 against float."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.cli.show.tune import form_lines, measured_lines
from edgekit.types import Artifact, ChosenForm, Evidence, Int8VsFloat, Ratio, TriedForm, Tuning, TuningConditions

TINY = Path(__file__).parent.parent.parent / "data" / "artifacts" / "tiny" / "tflite-int8" / "manifest.json"
SEEN = Evidence(ratio=1.5, low=1.4, high=1.6, pairs=10, model="squeezenet_1.1", cpu="a CPU", runtime_version="1")
MEASURED = "1.50x (1.40 to 1.60) as fast as plain, on x86-avx2 with squeezenet_1.1"
TAKEN_OVER = ChosenForm(
    name="shift", by="table", measured_on="x86-avx2", evidence=SEEN, against="plain", note="not on armv8.0"
)
CONDITIONS = TuningConditions(
    model="tiny",
    target="x86-vnni",
    device="local",
    cpu="a CPU",
    runtime="litert",
    runtime_version="2.3.0",
    threads=1,
    date="2026-01-02",
)


def artifact(**more) -> Artifact:
    return Artifact.model_validate_json(TINY.read_text()).model_copy(update=more)


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        (None, []),
        (ChosenForm(name="as-written", by="profile"), []),
        (ChosenForm(name="shift", by="tuning"), []),
        (
            ChosenForm(name="default", by="profile", note="no form of tiny was measured on armv8.0"),
            ["form of tiny tflite-int8: default; no form of tiny was measured on armv8.0"],
        ),
        (
            ChosenForm(
                name="shift", by="table", measured_on="x86-avx2", evidence=SEEN, against="plain", note="not on armv8.0"
            ),
            [f"form of tiny tflite-int8: shift; {MEASURED}; not on armv8.0"],
        ),
    ],
)
def test_the_form_and_what_it_rests_on(form, lines):
    assert form_lines(artifact(form=form)) == lines


def test_the_measured_forms_and_int8_against_float():
    faster, slower = (Ratio(ratio=r, low=r - 0.1, high=r + 0.1, pairs=10) for r in (1.25, 0.5))
    tuning = Tuning(
        conditions=CONDITIONS,
        base="default",
        choice="shift",
        reason="shift is 1.25x as fast as default (1.15 to 1.35, 10 pairs)",
        forms=(
            TriedForm(name="default", rewrites=(), outcome="base", p50_ms=10.0),
            TriedForm(name="shift", rewrites=(), outcome="faster", ratio=faster, p50_ms=8.0),
            TriedForm(name="bare", rewrites=(), outcome="same graph", reason="the same file as default"),
            TriedForm(name="dense-all", rewrites=(), outcome="failed to verify", reason="SQNR\nmore of it"),
            TriedForm(name="split-groups", rewrites=(), outcome="same graph", reason="the same file as default"),
        ),
    )
    against = Int8VsFloat(conditions=CONDITIONS, speed="slower", ratio=slower, costs=("5 SUB: 1.00 ms",))
    assert measured_lines(artifact(tuning=tuning, int8_vs_float=against)) == [
        "tuned   on local: x86-vnni, a CPU, litert 2.3.0, 1 thread(s)",
        "        default       10.00 ms  1                                base",
        "        shift          8.00 ms  1.25x (1.15 to 1.35, 10 pairs)   faster <- taken",
        "        dense-all  failed to verify: SQNR",
        "        bare, split-groups: same graph: the same file as default",
        "        shift is 1.25x as fast as default (1.15 to 1.35, 10 pairs)",
        "int8    int8 is slower than float32: 0.50x (0.40 to 0.60, 10 pairs)",
        "        5 SUB: 1.00 ms",
    ]
    busy = against.model_copy(update={"speed": "undecided", "overload": "20.1 runnable tasks on 2 cores", "costs": ()})
    assert measured_lines(artifact(int8_vs_float=busy)) == [
        f"int8    too noisy to tell whether int8 is faster than float32: the device is overloaded, {busy.overload}"
    ]
    assert measured_lines(artifact()) == []
