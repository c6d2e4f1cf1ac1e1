"""The small variants that are trained, and how: images of 28 x 28, minutes on one core each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgekit.training.recipes import Recipe

CARDS = Path(__file__).parent / "cards"
DATA = "fashion-mnist"


@dataclass(frozen=True)
class Trained:
    """A network and its training.

    Attributes:
        model: id of the catalog, or the name of a card beside this file.
        lr: of the first step; SqueezeNet, which has no batch normalisation, does not learn with 0.1.
    """

    model: str
    epochs: int
    lr: float = 0.1
    batch: int = 128

    @property
    def card(self) -> str:
        """What names the card."""
        path = CARDS / f"{self.model}.toml"
        return str(path) if path.is_file() else self.model

    @property
    def recipe(self) -> Recipe:
        """Everything else as in the recipe ``small``."""
        return Recipe(epochs=self.epochs, batch=self.batch, lr=self.lr, lasso=1e-5)


NETWORKS = (
    Trained("squeezenet_fashion", 5, 0.02),
    Trained("mobilenet_v1_fashion", 3),
    Trained("mobilenet_v2_fashion", 3),
    Trained("mobilenet_v3_fashion", 5),
    Trained("mnasnet_fashion", 3, 0.03),
    Trained("shufflenet_v1_fashion", 3),
    Trained("shufflenet_v2_fashion", 3),
    Trained("igcv1_fashion", 2),
    Trained("igcv2_fashion", 2),
    Trained("igcv3_fashion", 2),
    Trained("condensenet_fashion_small", 2),
)
