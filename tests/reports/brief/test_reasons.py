"""Equal reasons are said once."""

from edgekit.reports.brief.reasons import reasons_of
from edgekit.reports.summary import summarise
from edgekit.types import Verdict


def test_reasons_that_differ_in_numbers_alone_are_one(make):
    def noisy(name, *reasons):
        return make(name, verdict=Verdict(name="noisy", reasons=reasons))

    rows = summarise([noisy("a", "p90 is 1.4 times", "hot"), noisy("b", "p90 is 12.5 times"), make("c")], {})[0].rows
    first, second = reasons_of(rows)
    assert (first.verdict, first.text) == ("noisy", "p90 is 1.4 to 12.5 times")
    assert sorted(row.measurement.model for row in first.rows) == ["a", "b"]
    assert (second.text, [row.measurement.model for row in second.rows]) == ("hot", ["a"])
