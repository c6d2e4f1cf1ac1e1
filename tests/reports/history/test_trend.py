"""Series over time: their changes, the commits of these, and the page."""

import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from edgekit.reports.history.html import render_history
from edgekit.reports.history.text import change_line, creep_line, verdict
from edgekit.reports.history.trend import commits, git_range
from edgekit.reports.history.trend import series_of as series_of_summaries
from edgekit.reports.indexed.summaries import summarised
from edgekit.types import Revision, Verdict


def series_of(measurements, **options):
    return series_of_summaries(map(summarised, measurements), **options)


BEGIN = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def course(make):
    """Measurements of the given medians, a day and a commit apart; keyword arguments change all of them."""

    def build(levels, **changes):
        return [
            make(p50_ms=level * (1 + 0.004 * ((index * 7) % 5 - 2) / 2)).model_copy(
                update={
                    "measured_at": (BEGIN + timedelta(days=index)).isoformat(),
                    "revision": Revision(commit=f"{index:02d}" * 20, dirty=False),
                    **changes,
                }
            )
            for index, level in enumerate(levels)
        ]

    return build


def test_the_page_begins_with_what_changed_the_most_slowed_down_first(course):
    steady, slower = course([7.0] * 20), course([7.0] * 10 + [7.7] * 10, model="slower")
    worse = course([7.0] * 10 + [9.0] * 10, model="worse")
    faster, few = course([7.0] * 10 + [6.0] * 10, model="faster"), course([7.0] * 3, model="few")
    page = render_history(series_of([*steady, *slower, *worse, *faster, *few]), "0")
    told = re.search(r'<p class="headline">(.*?)</p>', page, re.DOTALL)
    assert told is not None
    words = re.sub(r"<[^>]+>", "", told[1])
    assert words.startswith("Of 5 series 2 slower than at first, 1 faster, 1 with too few measurements to tell: worse")
    assert words.index("worse") < words.index("slower tflite") < words.index("faster tflite")
    assert "None of 1 series has changed" in render_history(series_of(steady), "0")


def test_a_step_has_its_commits_and_what_else_changed(course):
    points = course([7.0] * 10 + [7.7] * 10)
    points = [m.model_copy(update={"runtime_version": "2"}) if i >= 10 else m for i, m in enumerate(points)]
    (series,) = series_of(reversed(points))
    points = [summarised(m) for m in points]
    assert list(series.points) == points
    (change,) = series.changes
    assert (change.index, change.good, change.bad) == (10, points[9], points[10])
    assert change.ratio == pytest.approx(1.1, abs=0.005)
    assert change.also == ("runtime version: litert 1.2.3 against litert 2",)
    assert git_range(change.good, change.bad) == "git log --oneline 0909090909..1010101010"
    line = change_line(change)
    assert line.startswith("10.0% slower (7.0")
    assert "between commits" in line
    assert verdict(series) == "+10.0% in 1 step"
    assert series.creeps == []


def test_when_nothing_else_changed_that_is_said(course):
    (series,) = series_of(course([7.0] * 10 + [6.0] * 10))
    (change,) = series.changes
    assert "the same: look at the device" in change.also[0]
    assert "faster" in change_line(change)


def test_creep_is_told_as_one_with_its_whole_range_of_commits(course):
    points = course([7.0 * 1.005**i for i in range(40)])
    (series,) = series_of(points)
    assert len(series.changes) >= 2
    (creep,) = series.creeps
    points = [summarised(m) for m in points]
    assert (creep.good, creep.bad) == (points[0], points[-1])
    assert creep.ratio > 1.1
    assert creep_line(creep).startswith("crept: it rose by +1")


def test_creep_after_a_level_begins_with_its_first_step(course):
    points = course([7.0] * 15 + [7.7] * 10 + [8.4] * 10)
    (series,) = series_of(points)
    (creep,) = series.creeps
    assert (creep.steps, creep.good, creep.bad) == (2, summarised(points[14]), summarised(points[25]))


def test_up_and_down_again_is_no_creep(course):
    (series,) = series_of(course([7.0] * 10 + [7.7] * 10 + [7.0] * 10))
    assert len(series.changes) == 2
    assert series.creeps == []
    assert series.ratio == pytest.approx(1.0, abs=0.01)


def test_throttled_ones_are_shown_and_not_judged(course):
    points = course([7.0] * 20)
    hot = {"verdict": Verdict(name="throttled", reasons=("hot",)), "samples_ns": (20_000_000,) * 50}
    points = [m.model_copy(update=hot) if 8 <= i < 13 else m for i, m in enumerate(points)]
    (series,) = series_of(points)
    assert len(series.points) == 20
    assert series.changes == ()


def test_emulated_ones_are_left_out_and_other_ways_are_other_series(course, make):
    points = [*course([7.0] * 3), *course([7.0] * 2, threads=2), make(emulated=True)]
    assert [(s.points[0].threads, len(s.points)) for s in series_of(points)] == [(1, 3), (2, 2)]
    assert verdict(series_of(points)[0]) == "too few to tell, 8 are needed"


def test_commits_in_words(make):
    clean, dirty = Revision(commit="a" * 40, dirty=False), Revision(commit="b" * 40, dirty=True)
    m = make()
    with_clean, with_dirty = (m.model_copy(update={"revision": r}) for r in (clean, dirty))
    assert commits(with_clean, with_dirty) == "between commits aaaaaaaaaa and bbbbbbbbbb with changes"
    assert commits(with_clean, with_clean) == "within commit aaaaaaaaaa"
    assert commits(m, with_clean) == "commits unknown"
    assert git_range(m, with_clean) == git_range(with_clean, with_clean) == ""


@pytest.fixture
def page(course, make):
    points = [*course([7.0] * 10 + [7.7] * 10), make(format_="onnx", model="<b>x</b>")]
    return render_history(series_of(points), "0.0.0")


def test_page_loads_nothing_and_escapes(page):
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", page)
    assert "<b>x</b>" not in page
    assert "<script>alert" not in page
    assert page.count('class="change slower"') == 2  # a line and its label


def test_page_works_in_a_browser(page, chromium, tmp_path):
    (tmp_path / "history.html").write_text(page)
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
        "--enable-logging=stderr", "--window-size=500,800", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
        f"file://{tmp_path}/history.html",
    ]  # fmt: skip
    probe = "<script>document.title = [...document.querySelectorAll('.scroll')].map(b => b.scrollLeft > 0)"
    (tmp_path / "history.html").write_text(
        page.replace("</body>", f"{probe} + ' ' + document.documentElement.scrollWidth</script></body>")
    )
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    assert "<title>true,true 500</title>" in done.stdout  # scrolled to the newest, and no wider than the window


def test_the_newest_of_a_long_series_are_looked_at_and_the_rest_is_said(course):
    points = course([7.0] * 12 + [7.7] * 12)
    (series,) = series_of(points, last=16)
    assert (len(series.points), series.older) == (16, 8)
    assert [change.index for change in series.changes] == [4]
    page = render_history([series], "0.0.0")
    assert "8 older ones were not looked at" in page
    assert "The newest 16 measurements" in page


def test_a_page_of_very_many_series_stays_small(course, monkeypatch):
    monkeypatch.setattr("edgekit.reports.history.html.PLOTTED", 40)
    monkeypatch.setattr("edgekit.reports.history.html.LISTED", 4)
    points = [m for threads in range(1, 7) for m in course([7.0] * 9, threads=threads)]
    points += course([7.0] * 10 + [7.7] * 10, threads=9)
    page = render_history(series_of(points), "0.0.0")
    assert "The first 4 series are listed" in page
    assert re.findall(r'<section id="(s\d)"', page) == ["s1", "s7"]  # the one with a change, and one of the others
    assert page.count("<td><a href=") + page.count("<td>mobilenet") == 4
