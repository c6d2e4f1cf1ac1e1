"""Texts that differ in their numbers alone."""

from edgekit.reports.brief.alike import grouped, merged


def test_a_number_that_is_the_same_everywhere_stays():
    assert merged(["±2.5% after 60, above 1%", "±10% after 200, above 1%"]) == "±2.5 to 10% after 60 to 200, above 1%"
    assert merged(["no number"]) == "no number"


def test_each_text_is_said_once_of_all_the_most_frequent_first():
    said = [("noisy", "4.1 tasks", "a"), ("hot", "4.1 tasks", "b"), ("noisy", "drift", "c"), ("noisy", "5 tasks", "d")]
    assert grouped(said) == [
        ("noisy", "4.1 to 5 tasks", ["a", "d"]),
        ("hot", "4.1 tasks", ["b"]),
        ("noisy", "drift", ["c"]),
    ]
    assert grouped([]) == []
