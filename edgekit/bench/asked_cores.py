"""The cores that a user asks for, in one spelling and as the agent takes them."""

from __future__ import annotations

from ..errors import UsageError


def known_cores(text: str | None) -> str | None:
    """``big``, ``little`` or core numbers by commas in one spelling: "3, 2" is "2,3"; None stays None.

    Raises:
        UsageError: something else.
    """
    if text is None or text in ("big", "little"):
        return text
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise UsageError(f"--cores takes big, little or core numbers, got {text!r}", "for example --cores 2,3")
    return ",".join(map(str, sorted({int(word) for word in words})))


def cores_request(cores: str | None) -> str | list[int] | None:
    """Cores, as :func:`known_cores` spells them, as the agent takes them."""
    return cores if cores is None or cores in ("big", "little") else [int(word) for word in cores.split(",")]
