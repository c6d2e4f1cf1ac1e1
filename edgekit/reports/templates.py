"""The environment of both pages' templates: everything is cleaned and escaped, and a missing value is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.clean import visible
from ..base.distribution import install_command
from ..errors import ToolError

if TYPE_CHECKING:
    from jinja2 import Environment


def page_environment(page: str) -> Environment:
    """An environment without filters of its own.

    Args:
        page: what is being written, for the message.

    Raises:
        ToolError: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise ToolError(
            f"{page} needs jinja2, which cannot be imported: {error}",
            install_command("report"),
        ) from error
    from markupsafe import Markup

    def cleaned(value: object) -> object:
        """What a template prints, before it is escaped; what was escaped already is cleaned already."""
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    return jinja2.Environment(
        autoescape=True, finalize=cleaned, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
