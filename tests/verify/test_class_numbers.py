"""Names of class folders to the network's class numbers."""

from __future__ import annotations

import pytest

from edgekit.errors import UsageError
from edgekit.verify.class_numbers import class_numbers

TWELVE = tuple(sorted(map(str, range(12))))


def numbers(given, known, classes):
    found, notes = class_numbers("photos", given, known, classes)
    return found.tolist(), notes


def test_without_known_names_folders_count_in_the_order_of_their_names_as_text():
    found, notes = numbers(TWELVE, (), 12)
    assert dict(zip(TWELVE, found, strict=True)) == {name: i for i, name in enumerate(TWELVE)}
    assert found[TWELVE.index("10")] == 2
    assert "as torchvision's ImageFolder does" in notes[0]
    assert numbers(("Bear", "Zebra", "apple"), (), 3) == ([0, 1, 2], [])
    assert numbers(("0", "1", "2"), (), 3) == ([0, 1, 2], [])


def test_known_names_are_compared():
    assert numbers(TWELVE, TWELVE, 12) == (list(range(12)), [])
    assert numbers(TWELVE, tuple(map(str, range(12))), 12) == ([0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9], [])
    found, notes = numbers(("cat", "emu"), ("cat", "dog", "emu"), 3)
    assert found == [0, 2]
    assert notes == ["photos has 2 of the network's 3 classes; they are matched by name"]


def test_names_that_differ():
    found, notes = numbers(("a", "b"), ("cat", "dog"), 2)
    assert (found, len(notes)) == ([0, 1], 1)
    assert "photos (a, b) are not the network's (cat, dog)" in notes[0]
    with pytest.raises(UsageError, match="photos: dgo is none of the network's classes, which are cat, dog"):
        numbers(("cat", "dgo"), ("cat", "dog"), 2)
    with pytest.raises(UsageError, match="has 3 class folders, and the network gives 2 scores"):
        numbers(("a", "b", "c"), ("cat", "dog"), 2)


def test_some_numbers_of_unnamed_classes():
    found, notes = numbers(("10", "9"), (), 12)
    assert found == [10, 9]
    assert "taken for class numbers" in notes[0]
    with pytest.raises(UsageError, match="has 2 class folders"):
        numbers(("12", "9"), (), 12)
