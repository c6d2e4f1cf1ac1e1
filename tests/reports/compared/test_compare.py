"""Two stored measurements: what may be compared, what the interval says, which operators changed."""

import random

import pytest

from edgekit.errors import InconclusiveError, NotComparableError
from edgekit.reports.compared.comparable import differences
from edgekit.reports.compared.compare import SAMPLES_ALONE, compare_paired, compare_stored
from edgekit.reports.compared.compare_text import compare_markdown, headline, operator_rows, rows
from edgekit.reports.compared.operators import by_operator, by_type
from edgekit.types import Device, OpTime, Ratio, Revision, Verdict


def samples(median_ms: float, seed: int, count: int = 200, spread: float = 0.02) -> tuple[int, ...]:
    generator = random.Random(seed)
    return tuple(int(median_ms * 1e6 * (1 + generator.gauss(0, spread))) for _ in range(count))


def test_a_slower_one_a_faster_one_and_two_alike(make):
    a = make().model_copy(update={"samples_ns": samples(7.0, 1)})
    for median, seed, word in ((7.7, 2, "slower"), (6.3, 3, "faster"), (7.0, 4, "no difference seen")):
        b = a.model_copy(update={"samples_ns": samples(median, seed), "artifact_sha256": "cd" * 32})
        found = compare_stored(a, b)
        assert found.word == word
        assert found.ratio.ratio == pytest.approx(median / 7.0, rel=0.01)
        assert found.doubts == (SAMPLES_ALONE,)


def states(m, **changes):
    return {"state_before": m.state_before.model_copy(update=changes)}


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("device", {"device": Device(id="rpi5", transport="ssh", address="rpi5")}),
        ("cpu", {"info": {"cpu": "another"}}),
        ("kernel", {"info": {"system": "Linux-7.1"}}),
        ("governor", {"state_before": {"governor": {"cpu0": "powersave"}}}),
        ("governor", {"state_before": {"governor": None}}),
        ("clock limit", {"state_before": {"max_clock_khz": {"cpu0": 1_500_000}}}),
        ("accelerator", {"accelerator": "gpu"}),
        ("threads", {"threads": 4}),
        ("batch", {"batch": 8}),
        ("runtime version", {"runtime_version": "9.9"}),
        ("runtime settings", {"settings": {"xnnpack": 0}}),
    ],
)
def test_each_condition_that_differs_is_named(make, key, changes):
    a = make()
    inner = {"info": a.info, "state_before": a.state_before}
    b = a.model_copy(update={k: inner[k].model_copy(update=v) if k in inner else v for k, v in changes.items()})
    assert [found.key for found in differences(a, b)] == [key]
    with pytest.raises(NotComparableError, match=f"not comparable: {key}: ") as caught:
        compare_stored(a, b)
    assert caught.value.exit_code == 5


def test_emulated_is_never_comparable_not_with_itself_either(make):
    real, emulated = make(), make(emulated=True)
    for pair in ((real, emulated), (emulated, real), (emulated, emulated)):
        with pytest.raises(NotComparableError, match="emulated"):
            compare_stored(*pair)


def test_two_runtimes_may_be_compared_whatever_their_versions(make):
    onnx = make(format_="onnx").model_copy(update={"runtime_version": "9.9", "settings": {"x": 1}})
    assert differences(make(), onnx) == []


@pytest.mark.parametrize("count", [1, 7])
def test_too_few_samples_are_no_decision(make, count):
    a = make()
    b = a.model_copy(update={"samples_ns": a.samples_ns[:count]})
    with pytest.raises(InconclusiveError, match=f"B has {count} sample") as caught:
        compare_stored(a, b)
    assert caught.value.exit_code == 4


def test_doubts_are_said(make):
    a = make()
    noisy = a.model_copy(update={"verdict": Verdict(name="noisy", reasons=("drifts",)), "weights_kind": "file"})
    said = "\n".join(compare_stored(a, noisy).doubts)
    assert "B is noisy: drifts" in said
    assert "same artifact" in said
    assert "weights of A are random, those of B file" in said


def op(name, kind, ns):
    return OpTime(name=name, type=kind, ns=ns)


def test_operators_are_matched_by_name_when_names_are_shared():
    a = (op("x", "Conv", 10), op("y", "Conv", 20), op("z", "Relu", 1))
    b = (op("new", "Conv", 5), op("x", "Conv", 10), op("y", "Conv", 50))
    found = {(c.name, c.ns_a, c.ns_b) for c in by_operator(a, b)}
    assert found == {("x", 10, 10), ("y", 20, 50), ("z", 1, None), ("new", None, 5)}
    assert by_operator(a, b)[0].name == "y"


def test_operators_are_matched_by_order_when_names_are_numbers_that_shift():
    a = (op("operator 0", "CONV", 10), op("operator 1", "FC", 20))
    b = (op("operator 0", "QUANT", 3), op("operator 1", "CONV", 11), op("operator 2", "FC", 19))
    found = [(c.type, c.ns_a, c.ns_b) for c in by_operator(a, b)]
    assert found == [("QUANT", None, 3), ("CONV", 10, 11), ("FC", 20, 19)]


def test_types_are_summed():
    a = (op("x", "Conv", 10), op("y", "Conv", 20), op("z", "Relu", 1))
    found = {c.type: (c.ns_a, c.count_a, c.ns_b, c.count_b) for c in by_type(a, (op("x", "Conv", 40),))}
    assert found == {"Conv": (30, 2, 40, 1), "Relu": (1, 1, None, 0)}


def test_the_text_shows_slowdowns_first_then_speed_ups():
    changes = by_operator(
        (op("x", "C", 10_000), op("y", "C", 20_000), op("z", "C", 5)),
        (op("x", "C", 30_000), op("y", "C", 5_000), op("z", "C", 5)),
    )
    assert operator_rows(changes) == [("x (C)", "0.010", "0.030", "+0.020"), ("y (C)", "0.020", "0.005", "-0.015")]


def test_paired_launches_say_how_many_and_refuse_a_governor_that_changed(make):
    a, b = make(), make("mobilenet_v2_1.0", p50_ms=8.0)
    ratio = Ratio(ratio=1.14, low=1.12, high=1.16, pairs=5)
    found = compare_paired([a] * 5, [b] * 5, ratio)
    assert headline(found) == "B is slower: +14.0% (95% interval +12.0% to +16.0%, 5 pairs of fresh processes)"
    assert ("launches", "5", "5", "") in rows(found)
    changed = b.model_copy(update=states(b, governor={"cpu0": "powersave"}))
    with pytest.raises(NotComparableError, match="governor"):
        compare_paired([a] * 5, [*[b] * 4, changed], ratio)


def test_a_busy_machine_decides_nothing(make):
    a, b = make(), make("mobilenet_v2_1.0", p50_ms=8.0)
    every_fifth = tuple(ns * (3 if i % 5 == 0 else 1) for i, ns in enumerate(b.samples_ns))
    slow_tail = b.model_copy(update={"samples_ns": every_fifth})
    loaded = b.model_copy(update={"state_before": b.state_before.model_copy(update={"load_1m": 9.0})})
    ratio = Ratio(ratio=1.14, low=1.12, high=1.16, pairs=5)
    for disturbed in (slow_tail, loaded):
        found = compare_paired([a] * 5, [b] * 2 + [disturbed] * 3, ratio)
        assert found.word == "too noisy to tell"
        assert any("beside 3 of 5 launches of B" in doubt for doubt in found.doubts)
        assert headline(found).startswith("too noisy to tell: +14.0%")
        assert compare_paired([a] * 5, [b] * 3 + [disturbed] * 2, ratio).word == "slower"


def test_markdown_keeps_its_columns_and_carries_commit_operators_and_doubts(make):
    a = make(revision=Revision(commit="a" * 40, dirty=True))
    slower = (op("conv<1>", "CONV_2D", 1_900_000), op("fc", "FC", 100_000))
    page = compare_markdown(compare_stored(a, make("a|b", p50_ms=9.0, per_op=slower)))
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables} == {5}
    assert "aaaaaaaaaa+changes" in page
    assert "| conv\\<1\\> (CONV_2D) | 0.900 | 1.900 | +1.000 |" in page
    assert "fc (FC)" not in page
    assert f"- {SAMPLES_ALONE}" in page
