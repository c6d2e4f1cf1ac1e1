"""The HTML report: its text, and what a real browser makes of it."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from edgekit.catalog import cards
from edgekit.errors import ToolError
from edgekit.reports.html import render_html
from edgekit.reports.plots import SHOWN_SAMPLES, Axis, scatter, strip
from edgekit.reports.summary import summarise


@pytest.fixture
def page(several) -> str:
    return render_html(summarise(several, cards()), "0.0.0")


def browse(chromium: str, tmp_path: Path, page: str, *options: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "report.html").write_text(page)
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
        "--hide-scrollbars", f"--user-data-dir={tmp_path / 'profile'}", *options, f"file://{tmp_path}/report.html",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)


def test_page_loads_nothing_from_elsewhere(page):
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", page)
    assert not re.search(r"<(link|img|iframe|script\s+src)", page)
    assert len(page) < 200_000


def test_page_escapes_what_it_shows(page):
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "conv&lt;1&gt;" in page


def test_page_is_well_formed(page):
    open_tags: list[str] = []
    empty = {"meta", "input"}

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in empty:
                open_tags.append(tag)

        def handle_startendtag(self, tag, attrs):
            pass

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag, f"</{tag}> at {self.getpos()}"

    Checker().feed(page)
    assert not open_tags


def test_emulated_measurements_are_not_plotted(several):
    page = render_html(summarise([m for m in several if m.info.emulated], {}), "0.0.0")
    assert 'class="plot"' not in page
    assert "latencies mean nothing" in page


def test_accuracy_plot_leaves_out_networks_without_a_figure(several):
    rows = summarise(several, cards())[0].rows
    assert scatter(rows, "size").count('class="mark') == 4
    assert scatter(rows, "accuracy").count('class="mark') == 3
    assert "not measured" in scatter(rows, "accuracy")
    assert scatter(summarise(several, {})[0].rows, "accuracy") == ""


@pytest.mark.parametrize("p50", [1e-4, 0.3, 7.0, 12_345.0])
def test_plots_of_one_measurement_stay_in_the_frame(make, p50):
    measurement = make(p50_ms=p50)
    drawn = scatter(summarise([measurement], {})[0].rows, "size") + strip(measurement)
    assert "nan" not in drawn
    assert all(-1 <= float(x) <= 721 for x in re.findall(r' c?x1?="([-\d.]+)"', drawn))


def test_plots_of_equal_samples(make):
    assert "nan" not in strip(make(samples_ns=(5_000_000,) * 60))


def test_strip_draws_a_bounded_number_of_samples(make):
    drawn = strip(make(samples_ns=tuple(range(1_000_000, 1_005_000))))
    assert SHOWN_SAMPLES / 2 < drawn.count("h0") + drawn.count("v6") <= SHOWN_SAMPLES


def test_axis_ticks_are_round():
    assert Axis(0, 11.4, 0, 100).ticks() == [0, 2, 4, 6, 8, 10]
    assert Axis(0.9, 60, 0, 100, log=True).ticks() == [1, 2, 5, 10, 20, 50]


def test_missing_jinja2_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ToolError) as caught:
        render_html([], "0.0.0")
    assert "edgekit[report]" in caught.value.hint


def test_browser_builds_the_page(chromium, tmp_path, page):
    dom = browse(chromium, tmp_path, page, "--dump-dom").stdout
    assert dom.count('<table class="main">') == 2
    assert dom.count('aria-label="#') == 7, "the script did not reach every mark"
    assert "<title>#" not in dom


@pytest.mark.parametrize("width", [1280, 500])
def test_browser_paints_the_page(chromium, tmp_path, page, width):
    # The page reports its own overflow in its title: a screenshot alone would crop it.
    probe = "<script>document.title = document.documentElement.scrollWidth - window.innerWidth</script></body>"
    dom = browse(chromium, tmp_path, page.replace("</body>", probe), f"--window-size={width},1400", "--dump-dom").stdout
    assert int(re.search(r"<title>(-?\d+)</title>", dom).group(1)) <= 0, "wider than the window"
    shot = tmp_path / "page.png"
    browse(chromium, tmp_path, page, f"--window-size={width},3000", f"--screenshot={shot}")
    with Image.open(shot) as image:
        pixels = image.convert("RGB").resize((image.width // 2, image.height // 2))
        colours = {pixel for _, pixel in pixels.getcolors(1 << 22)}
    series = [(0x24, 0x68, 0xC8), (0xC2, 0x57, 0x0C), (0x0B, 0x7D, 0x64)]
    for wanted in series:
        assert any(max(abs(a - b) for a, b in zip(wanted, got, strict=True)) < 40 for got in colours), wanted
