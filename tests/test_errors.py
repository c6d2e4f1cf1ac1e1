"""What errors suggest: known words that are near to the wrong one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import did_you_mean


@given(st.text(max_size=12), st.sets(st.text(alphabet="abcdef_1.", min_size=1, max_size=8), max_size=6))
def test_did_you_mean_names_known_words_only(wrong, known):
    hint = did_you_mean(wrong, known)
    assert bool(hint) == bool(known)
    named = hint.removeprefix("did you mean ").removeprefix("known: ").removesuffix("?")
    assert all(word in known for word in named.replace(" or ", ", ").split(", ") if word)


def test_a_long_list_is_counted_only():
    assert did_you_mean("nothing like them", {f"word{i}" for i in range(50)}) == "50 are known"
