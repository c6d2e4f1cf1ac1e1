"""The generated pages are those of the code; ``python -m tools.reference`` writes them again."""

from __future__ import annotations

import pytest

from edgekit.types import Frozen
from tools.reference.fields import fields_table
from tools.reference.pages import FOLDER, PAGES
from tools.reference.text import attributes


@pytest.mark.parametrize("name", PAGES)
def test_page_is_that_of_the_code(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "python -m tools.reference writes it again"


def test_each_verb_has_its_section() -> None:
    text = PAGES["cli.md"]()
    for verb in ("export", "models list", "devices add", "gate", "schema"):
        assert f"\n## edgekit {verb}\n" in text
    assert "| `--tolerance <float range>` |" in text


class Described(Frozen):
    """A type.

    Attributes:
        a, b: both of these,
            over two lines.
    """

    a: int
    b: tuple[str, ...] = ()


class Silent(Described):
    """One that says nothing of its own field."""

    c: float | None = None


def test_meanings_come_from_the_docstrings_of_a_type_and_its_bases() -> None:
    assert attributes(Silent) == dict.fromkeys("ab", "both of these, over two lines.")
    assert "| `a` | whole number | required | Both of these, over two lines. |" in fields_table(Described)
    assert "| `b` | array of text | empty |" in fields_table(Described)


def test_a_field_without_a_meaning_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"Silent says nothing of c under Attributes:"):
        fields_table(Silent)
