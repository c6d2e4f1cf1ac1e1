"""``edgekit models show --layers``: the rows and their total."""

from __future__ import annotations

import pytest

from edgekit.catalog import find_card
from edgekit.verbs.networks.layers import layer_rows


@pytest.mark.parametrize("model", ["shufflenet_v2_0.5", "condensenet_fashion_small", "mobilenet_v3_small_0.35"])
def test_the_layers_add_up_to_the_card(model: str) -> None:
    card = find_card(model)
    rows, total = layer_rows(card)
    assert (total.params, total.macs) == (card.params, card.macs)
    for name in ("params", "macs", "activations", "memory_access"):
        assert getattr(total, name) == sum(getattr(row, name) for row in rows)
    assert rows[-1].output_shape == total.output_shape == (card.num_classes,)
    assert len({row.name for row in rows}) == len(rows)


def test_a_pointwise_convolution_is_counted_as_in_the_paper() -> None:
    rows, _ = layer_rows(find_card("shufflenet_v2_0.5"))
    row = next(r for r in rows if r.name == "conv5.0")
    assert row.output_shape == (1024, 7, 7)
    assert row.memory_access == 7 * 7 * (192 + 1024) + 192 * 1024
    assert row.macs == 7 * 7 * 192 * 1024
    assert row.intensity == pytest.approx(row.macs / row.memory_access, abs=0.01)
