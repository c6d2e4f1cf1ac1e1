"""The options that say how images become the input, as typed."""

from __future__ import annotations

import pytest

from edgekit.cli.shared.input_options import sized_inputs, wishes
from edgekit.errors import UsageError

NONE = (None,) * 7


def test_nothing_said_is_nothing_wished():
    assert wishes(*NONE).given() == {}


def test_every_spelling():
    made = wishes("0.485, 0.456 0.406", "0.5", "256", "224x224", "Bicubic", "rgb", "96x128")
    assert made.mean == (0.485, 0.456, 0.406)
    assert made.std == (0.5, 0.5, 0.5)
    assert (made.resize, made.crop, made.input_size) == (256, (224, 224), (96, 128))
    assert (made.interpolation, made.channels) == ("bicubic", "RGB")
    grey = wishes("0.5", "[0.25]", None, None, None, "l", "28")
    assert (grey.mean, grey.std, grey.input_size) == ((0.5,), (0.25,), (28, 28))


@pytest.mark.parametrize(("place", "text"), [(0, "half"), (1, "1;2"), (2, "big"), (6, "96x"), (6, "-3")])
def test_words_that_are_none(place, text):
    given = list(NONE)
    given[place] = text
    with pytest.raises(UsageError, match="is not a "):
        wishes(*given)


def test_a_name_with_a_colon_in_it():
    (plain, typed) = sized_inputs(["serving_default_input:0=1x43x1", "ids:0=1x16:int64"])
    assert (plain.name, plain.shape, plain.dtype) == ("serving_default_input:0", (1, 43, 1), "float32")
    assert (typed.name, typed.shape, typed.dtype) == ("ids:0", (1, 16), "int64")
