"""Exports of networks of a user's own."""

from __future__ import annotations

from edgekit.artifacts.own.network import OwnOptions
from edgekit.artifacts.tasks import Outcome
from edgekit.base.progress import silent
from edgekit.forms.profiles import choose_profiles
from edgekit.verbs.export_own import export_own


def exported(name: str, format_: str, options: OwnOptions | None = None, **asked: bool) -> Outcome:
    """What came of one."""
    (outcome,) = export_own(name, choose_profiles(format_, **asked), options or OwnOptions(), [name], silent)
    return outcome
