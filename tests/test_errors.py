"""What errors suggest: known words that are near to the wrong one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import did_you_mean, shown


@given(st.text(max_size=12), st.sets(st.text(alphabet="abcdef_1.", min_size=1, max_size=8), max_size=6))
def test_did_you_mean_names_known_words_only(wrong, known):
    hint = did_you_mean(wrong, known)
    assert bool(hint) == bool(known)
    named = hint.removeprefix("did you mean ").removeprefix("known: ").removesuffix("?")
    assert all(word in known for word in named.replace(" or ", ", ").split(", ") if word)


def test_a_long_list_is_counted_only():
    assert did_you_mean("nothing like them", {f"word{i}" for i in range(50)}) == "50 are known"


def test_a_value_that_cannot_be_shown() -> None:
    assert shown(10**5000) == "<int that cannot be shown>"
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "<list that cannot be shown>"
