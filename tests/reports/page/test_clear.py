"""Words keep clear of each other at every width."""

import pytest

from edgekit.reports.page.clear import WIDTHS, Words, around, first_clear, line, meet


def drawn(box, width):
    """A box as pixels at a width."""
    return box.left[0] * width + box.left[1], box.right[0] * width + box.right[1]


@pytest.mark.parametrize("size", ["wide", "narrow"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.34, 0.38, 0.45, 0.6, 0.9])
def test_boxes_meet_when_they_do_at_some_width(size, share):
    words, mark = Words("#1 a name", 0.3, 104, "start", 10).box, around(share, 100, 6)
    low, high = WIDTHS[size]
    seen = False
    for step in range(2001):
        width = low + (high - low) * step / 2000
        (a, b), (c, d) = drawn(words, width), drawn(mark, width)
        seen |= a < d and c < b
    assert meet(words, mark, size) is seen
    assert meet(mark, words, size) is seen


def test_boxes_above_each_other_do_not_meet():
    assert not meet(around(0.5, 10, 5), around(0.5, 30, 5), "wide")
    assert meet(around(0.5, 10, 5), line(0.0, 10, 1.0, 10), "narrow")


def test_the_first_wish_that_covers_nothing_is_taken():
    wishes = [Words("left", 0.0, 50, "end"), Words("covered", 0.5, 50, "start"), Words("free", 0.5, 80, "start")]
    found = first_clear(wishes, [around(0.5, 50, 6)], 100, "wide")
    assert found is wishes[2]
    assert first_clear(wishes[:2], [around(0.5, 50, 6)], 100, "wide") is None
