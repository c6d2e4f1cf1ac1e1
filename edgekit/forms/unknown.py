"""The error for a form that a network does not have: it names the known forms, or the networks of that form."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import get_args

from ..catalog import profiles
from ..errors import UsageError, did_you_mean
from ..types import ExportProfile, TargetClass
from .offered import offered_forms

WIDTH = 110


def unknown_form(profile: ExportProfile, name: str, known: Iterable[str], target: TargetClass) -> UsageError:
    """The error for ``--form name``, which is none of ``known``."""
    hint = listed(name, known)
    homes = homes_of(name)
    here = homes.pop((profile.format, profile.precision), ())
    if here:
        return UsageError(f"form {name!r} of {profile.name} is for {', '.join(here)}, not for {target}", hint)
    if homes:
        belongs = " and ".join(f"{format_} {precision}" for format_, precision in homes)
        return UsageError(f"form {name!r} is of {belongs}, not of {profile.format} {profile.precision}", hint)
    return UsageError(f"unknown form {name!r} of {profile.name}", hint)


def homes_of(name: str) -> dict[tuple[str, str], tuple[TargetClass, ...]]:
    """The formats and precisions that have a form of that name, and the target classes that it is for."""
    homes: dict[tuple[str, str], tuple[TargetClass, ...]] = {}
    targets: tuple[TargetClass, ...] = get_args(TargetClass)
    for pair in dict.fromkeys((profile.format, profile.precision) for profile in profiles().values()):
        having = tuple(t for t in targets if name in {form.name for form in offered_forms(*pair, t)})
        if having:
            homes[pair] = having
    return homes


def listed(wrong: str, known: Iterable[str]) -> str:
    """The nearest names if any is near, and all of them: no other command lists forms without building them."""
    names = sorted(known)
    near = did_you_mean(wrong, names)
    text = f"known: {', '.join(names)}"
    if near.startswith("did you mean"):
        text = f"{near} {text}"
    return textwrap.fill(text, WIDTH, subsequent_indent="       ", break_on_hyphens=False)
