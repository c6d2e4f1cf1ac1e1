"""What a model of Keras says of itself."""

from __future__ import annotations

import json

import pytest

from edgekit.zoo.keras_config import epsilons, input_size, read_layers, rescaling
from tests.support.keras_file import configuration

LAYERS = [("Conv2D", "first", {}), ("BatchNormalization", "second", {})]


def test_layers_come_in_order_with_those_of_models_inside() -> None:
    layers = read_layers(configuration(LAYERS, 96, Rescaling={"scale": 1 / 255, "offset": 0.0}))
    assert [layer.name for layer in layers] == ["input", "rescaling", "first", "second"]
    assert input_size(layers) == (96, 96)
    assert epsilons(layers) == {1e-3}
    mean, std = rescaling(layers) or (None, None)
    assert (mean, std) == (0, pytest.approx(1))


def test_pixels_from_minus_one_to_one() -> None:
    layers = read_layers(configuration(LAYERS, 96, Rescaling={"scale": 1 / 127.5, "offset": -1}))
    assert rescaling(layers) == (pytest.approx(0.5), pytest.approx(0.5))


def test_what_is_not_said_is_none() -> None:
    layers = read_layers(json.dumps({"class_name": "Sequential", "config": {"layers": []}}))
    assert (layers, input_size(layers), rescaling(layers), epsilons(layers)) == ((), None, None, frozenset())
    open_size = json.dumps({"class_name": "InputLayer", "config": {"batch_shape": [None, None, None, 3]}})
    assert input_size(read_layers(open_size)) is None


@pytest.mark.parametrize("text", ["", "[", "[" * 100_000, '{"config": {"layers": [' * 20 + "]}}" * 20])
def test_no_configuration(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_layers(text)


def test_other_json_has_no_layers() -> None:
    assert read_layers("[1, 2]") == ()
    assert read_layers('{"config": 3}') == ()
