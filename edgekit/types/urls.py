"""Addresses that a file may name: what is fetched from there is checked by digest, so only the way there is judged."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

LONGEST = 2048


def checked_url(text: str) -> str:
    """``text`` when it is an address that may be fetched: https, or http on this machine, without a user or password.

    Raises:
        ValueError: it is another, with the reason; a password is never repeated.
    """
    if len(text) > LONGEST or not re.fullmatch(r"[!-~]+", text):
        raise ValueError(f"an address is at most {LONGEST} printable ASCII characters without spaces")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"not an address: {error}") from error
    if "@" in parts.netloc:
        raise ValueError("an address with a user or password in it is refused: it would end in reports and logs")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host or "")):
        raise ValueError("only https is allowed, and http on this machine alone")
    if not host or "\\" in text:
        raise ValueError("an address needs a host: https://HOST/FOLDER")
    return text


def is_loopback(host: str) -> bool:
    """True for this machine: ``localhost`` or an address such as 127.0.0.1."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


Url = Annotated[str, AfterValidator(checked_url)]
"""See :func:`checked_url`."""
