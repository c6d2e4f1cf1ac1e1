"""Labels of an axis: which of them a narrow window leaves out."""

import itertools
import re

import pytest

from edgekit.reports.page.axis import Axis, log_axis
from edgekit.reports.page.svg import CHARACTER, NARROW, x_grid


def kept(axis: Axis) -> list[tuple[float, str]]:
    """Place in a narrow plot, pixels, and words of each label that stays."""
    labels = re.findall(r'<text class="tick" x="([\d.]+)%"[^>]*>([^<]*)</text>', x_grid(axis, 10, 20)[1])
    return [(float(place) / 100 * NARROW, words) for place, words in labels]


@pytest.mark.parametrize(
    "axis", [log_axis([9.2, 27.3]), log_axis([1.0, 2.01]), Axis(0, 28), Axis(0, 150), Axis(0.0, 0.31), Axis(0, 1e6)]
)
def test_a_narrow_window_keeps_two_labels_at_least_and_none_touch(axis):
    found = kept(axis)
    assert len(found) >= 2
    for (left, before), (right, after) in itertools.pairwise(found):
        assert right - left > CHARACTER * (len(before) + len(after)) / 2


def test_what_would_touch_is_marked_and_not_lost():
    labels = x_grid(Axis(0, 1e6), 10, 20)[1]
    assert labels.count("tick odd") > 0
    assert labels.count("<text") == len(Axis(0, 1e6).ticks())
