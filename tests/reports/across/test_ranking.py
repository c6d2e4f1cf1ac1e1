"""Several artifacts: who is fastest, who may be as fast, and when nothing can be told."""

import pytest

from edgekit.reports.across.ranking import ranking
from edgekit.reports.across.text import across_markdown, best_in, rows, verdict
from edgekit.types import Ratio


def steady(make, ms, **changes):
    return make(samples_ns=(round(ms * 1e6),) * 60, **changes)


@pytest.fixture
def found(make):
    """A ranking of three artifacts, of which the second may be as fast as the first."""

    def build(load=0.2, low=0.99, busy=("onnx",)):
        launches = {
            "tflite": [steady(make, 5, peak_rss_bytes=60_000_000, artifact_bytes=4_000_000)] * 5,
            "onnx": [steady(make, 4, format_="onnx", load_ns=90_000_000, peak_rss_bytes=80_000_000)] * 5,
            "openvino": [steady(make, 4.1, format_="openvino", load_ns=900_000_000)] * 5,
        }
        state = launches["onnx"][0].state_before.model_copy(update={"load_1m": load})
        for name in busy:
            launches[name] = [one.model_copy(update={"state_before": state}) for one in launches[name]]
        ratios = {
            "tflite": Ratio(ratio=1.25, low=1.2, high=1.3, pairs=5, confidence=0.98),
            "openvino": Ratio(ratio=1.02, low=low, high=1.06, pairs=5, confidence=0.98),
        }
        return ranking(launches, ratios, {}, 0.95)

    return build


def test_two_that_may_be_as_fast_are_tied(found):
    seen = found()
    assert [one.name for one in seen.standings] == ["onnx", "openvino", "tflite"]
    assert [one.name for one in seen.tied] == ["onnx", "openvino"]
    assert verdict(seen).startswith("no difference seen between onnx and openvino")
    assert verdict(found(low=1.01)).startswith("onnx is the fastest: the next, openvino, takes +2.0%")


def test_what_else_counts_has_a_best_of_its_own(found):
    assert best_in(found()) == [
        "least memory: tflite, 60.0 MB (onnx: 80.0 MB)",
        "smallest: tflite, 4.00 MB (onnx: 5.90 MB)",
        "quickest to its first answer: tflite, 51.0 ms (onnx: 110 ms)",
    ]
    first = rows(found())[0]
    assert first[0] == "onnx"
    assert first[3:5] == ("", "110")


def test_a_busy_machine_gives_no_verdict(found):
    seen = found(load=40.0)
    assert seen.too_noisy
    assert verdict(seen).startswith("too noisy to tell")
    assert seen.doubts == ("something else ran beside 5 of 5 launches of onnx: wait for an idle machine",)
    both = found(load=40.0, busy=("onnx", "tflite")).doubts
    assert both == ("something else ran beside 5 of 5 launches of onnx, tflite: wait for an idle machine",)
    text = across_markdown(seen)
    assert text.startswith("### too noisy to tell")
    assert text.count("\n| ") == 2 + 3
