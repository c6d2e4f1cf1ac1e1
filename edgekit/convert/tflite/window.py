"""Where a convolution or a pool of PyTorch reads, in TFLite's words: SAME, VALID, or zeros written around the input."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """One spatial dimension of a sliding window.

    Attributes:
        size: of the input.
        kernel: elements; ``reach`` counts what lies between them when dilated.
        pad: zeros that PyTorch puts on each side.
        ceil: round the output size up (pools).
    """

    size: int
    kernel: int
    stride: int
    pad: int
    dilation: int = 1
    ceil: bool = False

    @property
    def reach(self) -> int:
        """Elements from the first to the last that one window reads."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def out(self) -> int:
        """Windows, as PyTorch counts them: with ``ceil`` the last has to begin inside the input or its left padding."""
        room = self.size + 2 * self.pad - self.reach
        count = -(-room // self.stride) + 1 if self.ceil else room // self.stride + 1
        if self.ceil and (count - 1) * self.stride >= self.size + self.pad:
            count -= 1
        return count

    @property
    def after(self) -> int:
        """Elements needed behind the input: those that the last window reads."""
        return max(0, (self.out - 1) * self.stride + self.reach - self.size - self.pad)

    @property
    def is_same(self) -> bool:
        """True when TFLite's SAME reads the same elements."""
        out = -(-self.size // self.stride)
        total = max(0, (out - 1) * self.stride + self.reach - self.size)
        return self.out == out and self.pad == total // 2 and self.after == total - total // 2

    @property
    def is_valid(self) -> bool:
        """True when TFLite's VALID does: nothing is read outside the input."""
        return self.pad == 0 and self.after == 0
