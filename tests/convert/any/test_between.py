"""What goes to float with its neighbours."""

from __future__ import annotations

import pytest

from edgekit.convert.any.between import Placed, with_between

#   a -> b -> c -> d -> e, and c -> f
CHAIN = [
    Placed("a", ("x",), ("1",), False),
    Placed("b", ("1",), ("2",), False),
    Placed("c", ("2",), ("3",), True),
    Placed("d", ("3",), ("4",), False),
    Placed("e", ("4",), (), False),
    Placed("f", ("3",), ("5",), False),
    Placed("g", ("4", "x"), ("6",), False),
]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), ""),
        (("b",), "ab"),  # only b reads what a makes
        (("a",), "ab"),  # b reads what a makes alone
        (("c",), "abcdf"),  # g reads the input too
        (("e",), "e"),  # others read what d makes
        (("e", "g"), "deg"),  # d's readers are all in float; c is a layer
    ],
)
def test_what_reads_or_feeds_them_alone_goes_along(names, found):
    assert with_between(names, CHAIN) == frozenset(found)


def test_the_networks_inputs_are_of_no_operator():
    assert with_between(("a",), [Placed("a", ("x",), ("1",), False), Placed("b", ("x",), ("2",), False)]) == {"a"}
