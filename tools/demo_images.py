"""Write the demo's images: the first ones of Fashion-MNIST, to calibrate on and to evaluate on.

``python -m tools.demo_images`` needs Debian's package ``dataset-fashion-mnist``; the demo itself does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgekit.training.fashion_mnist import FOLDER, read_idx

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = Path(__file__).parent.parent / "examples" / "fashion" / "fashion.npz"
CALIBRATION, TEST = 256, 1000
"""How many of the training and of the test images."""


def main() -> None:
    """Write the file anew."""
    images, labels = first("train", CALIBRATION)
    test_images, test_labels = first("t10k", TEST)
    np.savez_compressed(FILE, images=images, labels=labels, test_images=test_images, test_labels=test_labels)


def first(split: str, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The first images and labels of ``train`` or ``t10k``."""
    images = read_idx(FOLDER / f"{split}-images-idx3-ubyte.gz")
    labels = read_idx(FOLDER / f"{split}-labels-idx1-ubyte.gz")
    return images[:count], labels[:count]


if __name__ == "__main__":
    main()
