"""Write the demo's images: the first ones of Fashion-MNIST, to calibrate on and to evaluate on.

``python -m tools.demo_images`` needs Debian's package ``dataset-fashion-mnist``; the demo itself does not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.training.fashion_mnist import FOLDER, read_idx

FILE = Path(__file__).parent.parent / "examples" / "fashion" / "fashion.npz"
CALIBRATION, TEST = 256, 1000
"""How many of the training and of the test images."""


def main() -> None:
    """Write the file anew."""
    arrays = {}
    for split, prefix, count in (("train", "", CALIBRATION), ("t10k", "test_", TEST)):
        arrays[f"{prefix}images"] = read_idx(FOLDER / f"{split}-images-idx3-ubyte.gz")[:count]
        arrays[f"{prefix}labels"] = read_idx(FOLDER / f"{split}-labels-idx1-ubyte.gz")[:count]
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
