"""The Markdown report against the committed one; EDGEKIT_REGENERATE=1 rewrites it."""

import os
from pathlib import Path

from edgekit.base.clean import for_markdown
from edgekit.catalog import cards
from edgekit.reports.markdown import COMMENT, render_markdown
from edgekit.reports.summary import summarise
from edgekit.types import Energy, Pinning

GOLDEN = Path(__file__).parent.parent / "golden" / "report.md"


def test_page_is_the_golden_one(several):
    page = render_markdown(summarise(several, cards()), "0.0.0")
    if os.environ.get("EDGEKIT_REGENERATE"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(page)
    assert page == GOLDEN.read_text()


def test_rows_keep_their_columns_whatever_the_names(make):
    page = render_markdown(summarise([make(model="a|b\nc")], {}), "0.0.0")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1


def test_a_long_page_fits_a_comment_without_its_conditions(make):
    page = render_markdown(summarise([make(f"network_{number:02d}") for number in range(90)], {}), "0.0.0")
    assert len(page) < COMMENT
    assert page.endswith("`report.html` has them.\n")
    assert page.count("| network_") == 90


def test_energy_is_a_condition_with_its_power_and_what_is_not_subtracted(make):
    spent = (Energy(domain="package-0", spent_uj=4_600_000, window_s=2.0, idle_w=1.25),)
    pinned = Pinning(asked="big", cpus=(4, 5))
    page = render_markdown(summarise([make(energy=spent, pinned=pinned, rounds=(50, 150))], {}), "1.0")
    assert "energy of one inference: package-0 23.0 mJ (2.3 W over 2.0 s, 1.2 W at rest, not subtracted)" in page
    assert "pinned to cores: 4, 5 (big)" in page
    assert "rounds: 2 launches in turn with the others, medians 7." in page
    closed = "the energy counters (RAPL) are readable by root only"
    assert f"energy of one inference: {closed}" in render_markdown(summarise([make(energy_note=closed)], {}), "1.0")


def test_details_are_closed(several):
    page = render_markdown(summarise(several, cards()), "0.0.0")
    assert page.count("<details>") == page.count("</details>") == 2


def test_escape_leaves_no_markup():
    assert for_markdown("<b>`x`|[y]\n*z*") == "\\<b\\>\\`x\\`\\|\\[y\\] \\*z\\*"


def test_emulated_measurements_stand_apart_and_last(several):
    groups = summarise(several, {})
    assert [(group.device, group.emulated) for group in groups] == [("local", False), ("virtual-rpi4", True)]
    assert [row.number for group in groups for row in group.rows] == [1, 2, 3, 4, 5]
    assert [row.measurement.p50_ms for row in groups[0].rows] == sorted(r.measurement.p50_ms for r in groups[0].rows)


def test_accuracy_is_marked_as_published(several):
    page = render_markdown(summarise(several, cards()), "0.0.0")
    assert "published for the float network, not measured here" in page
    assert "accuracy is not claimed" in page
