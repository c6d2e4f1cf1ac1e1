"""The HTML report as text: what it says, and that it says nothing that could run or load."""

import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edgekit.catalog import cards
from edgekit.errors import ToolError
from edgekit.reports.brief.limits import Kept
from edgekit.reports.html import render_html
from edgekit.reports.summary import summarise
from edgekit.types import Bandwidth, Ceilings, Delegation, OpTime, Roofline, Throughput, Verdict

GOLDEN = Path(__file__).parent.parent / "golden" / "report_page.txt"
EMPTY = {"meta", "input", "link"}
HOSTILE = "</script></style></svg><img src=x onerror=alert(1)>\"' onfocus=alert(2) x='{{ 7*7 }}&amp;"


class Reader(HTMLParser):
    """What a reader is shown or told, and the tags and attributes of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in EMPTY:
            self.open.append(tag)
        given = dict(attrs)
        if tag == "svg" and given.get("aria-label"):
            self.words.append(f"[plot: {given['aria-label']}]")

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        if data.strip() and not {"style", "script"} & set(self.open):
            self.words.append(" ".join(data.split()))


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    return reader


def render(measurements, known=None) -> str:
    return render_html(summarise(measurements, cards() if known is None else known), "0.0.0")


def test_the_words_are_the_golden_ones(several):
    several[0] = several[0].model_copy(
        update={
            "device_cosine": 0.98765,
            "delegation": Delegation(name="XNNPACK", share=0.97, partitions=6, undelegated={"PADV2": 1}),
            "export_command": "edgekit export mobilenet_v3 --format tflite --int8",
        }
    )
    float32 = several[0].model_copy(
        update={"precision": "fp32", "profile": "tflite-fp32", "samples_ns": (12_000_000,) * 99, "io": "float32"}
    )
    words = "\n".join(read(render([*several, float32])).words) + "\n"
    if os.environ.get("EDGEKIT_REGENERATE"):
        GOLDEN.write_text(words, encoding="utf-8")
    assert words == GOLDEN.read_text(encoding="utf-8")


def test_the_page_loads_nothing_from_elsewhere(several):
    page = render(several)
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", page)
    assert not {"img", "iframe", "object", "embed", "base"} & read(page).tags
    assert re.findall(r"<link[^>]*>", page) == ['<link rel="icon" href="data:,">']
    assert len(page) < 250_000


def test_hostile_names_stay_text(make):
    bad = make(
        HOSTILE,
        profile=HOSTILE,
        runtime_version=HOSTILE,
        accelerator=HOSTILE,
        measured_at=HOSTILE,
        artifact_sha256=HOSTILE,
        export_command=HOSTILE,
        per_op_note=HOSTILE,
        versions={HOSTILE: HOSTILE},
        settings={HOSTILE: HOSTILE},
        per_op=(OpTime(name=HOSTILE, type=HOSTILE, ns=5),),
        delegation=Delegation(name=HOSTILE, share=0.5, partitions=2, undelegated={HOSTILE: 1}),
        verdict=Verdict(name="noisy", reasons=(HOSTILE,)),
    )
    bad = bad.model_copy(update={"device": bad.device.model_copy(update={"id": HOSTILE, "board": HOSTILE})})
    other = make(precision="fp32", verdict=Verdict(name="noisy", reasons=("x",)))
    page, plain = render([bad, bad, other]), render([make(), make(), other])
    assert "<img" not in page
    assert page.count("<script") == plain.count("<script") == 1
    assert page.count("</script") == page.count("</style") == 1
    found, usual = read(page), read(plain)
    assert found.tags - usual.tags <= {"code"}
    assert not {name for name in found.attributes if name.startswith("on")}
    assert "49&amp;" not in page


def test_the_page_has_no_inline_handlers(several):
    assert not {name for name in read(render(several)).attributes if name.startswith("on")}


def test_streams_have_a_table(make):
    """Each number of streams is a row, and what is busy is no latency."""
    four = Throughput(streams=4, threads=2, cpus=4, window_s=2.0, counts=(10, 12, 11, 9),
                      busy_p50_ns=180_000_000, busy_p90_ns=210_000_000)  # fmt: skip
    one = four.model_copy(update={"streams": 1, "counts": (30,)})
    text = " ".join(read(render([make(throughput=(one, four), batch=8)])).words)
    assert "Inferences of several streams at once" in text
    assert "streams threads each inferences/s images/s busy p50 ms p90 ms" in text
    assert "4 2 21 168 180 210" in text
    assert "4 streams of 2: 8 threads share 4 CPUs" in text
    assert "several streams" not in " ".join(read(render([make()])).words)


def test_one_measurement_makes_a_page(make):
    page = render([make()])
    assert "1 measurement on 1 device" in page
    assert "What int8 and float16 bring" not in page
    assert 'id="heat"' not in page
    read(page)


def test_emulated_measurements_are_not_plotted_and_stand_apart(several):
    page = render([m for m in several if m.info.emulated])
    assert "Distribution of the latency" not in page
    assert 'class="front' not in page
    assert "latencies mean nothing" in page
    mixed = render(several)
    table = mixed[mixed.index('<table class="main"') : mixed.index("</table>")]
    assert table.count("<tbody") == 2
    assert table.index('data-verdict="emulated"') > table.index('<tbody role="rowgroup" class="emulated">')


def test_sixty_measurements_of_long_names_are_of_reasonable_size(make):
    formats, precisions = ("onnx", "tflite", "openvino"), ("fp32", "fp16", "int8")
    many = [
        make(f"{'a_very_long_network_name_' * 8}{n}", formats[n % 3], precisions[n // 3 % 3], 2 + n, f"board-{n % 2}")
        for n in range(60)
    ]
    page = render(many)
    assert "60 measurements on 2 devices" in page
    assert len(page) < 2_000_000
    read(page)


def test_ids_are_unique_whatever_the_devices_are_called(make):
    page = render([make(device=name) for name in ("summary", "details", "m1", "A.b-c_d", "words")])
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in ids


def test_thread_counts_have_plots_of_their_own(make):
    page = render([make(format_=name, threads=n) for name in ("onnx", "tflite") for n in (1, 4)])
    assert "Latency and size: 1 thread, cpu" in page
    assert "Latency and size: 4 threads, cpu" in page


def test_one_name_for_two_machines_is_said(make):
    other = make("mobilenet_v2_1.0")
    other = other.model_copy(update={"info": other.info.model_copy(update={"cpu": "Cortex-A76"})})
    assert "on different machines" in render([make(), other])
    assert "on different machines" not in render([make(), make("mobilenet_v2_1.0")])


def test_what_is_faster_than_its_bound_is_called_a_fault_of_the_peaks(make):
    limits = Ceilings(
        threads=1,
        macs_per_s={"int8": 2e11},
        sources={"int8": "measured"},
        bandwidth=(Bandwidth(footprint_bytes=1 << 28, bytes_per_s=1e10),),
    )
    place = {"precision": "int8", "macs": 10, "bytes_moved": 5, "compute_ns": 1.0, "memory_share": 0.2}
    for bound_ns, said in ((2.0, 1), (0.5, 0)):
        roof = Roofline(bound_ns=bound_ns, latency_ns=1.0, **place)
        assert render([make(roofline=roof, ceilings=limits)]).count("the peaks were measured too low") == said


def test_limits_fade_what_misses_them_and_the_headline_says_so(several):
    groups = summarise(several, cards())
    numbers = [row.number for row in groups[0].rows]
    kept = Kept("6 MB", dict.fromkeys(numbers[:-1], ("7 MB, over 6",)))
    page = render_html(groups, "0.0.0", kept=kept)
    assert "fastest that keeps 6 MB" in page
    assert page.count('class="missed" title="7 MB, over 6"') == len(numbers) - 1


def test_missing_jinja2_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ToolError) as caught:
        render_html([], "0.0.0")
    assert "[report]" in caught.value.hint
