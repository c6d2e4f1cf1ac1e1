"""Which page is generated from what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .cli import cli_page
from .exit_codes import exit_codes_page
from .files import device_page, gate_page, model_page, profile_page
from .python import python_page
from .schemas import schemas_page

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "model-card.md": model_page,
    "export-profile.md": profile_page,
    "devices-toml.md": device_page,
    "gate-toml.md": gate_page,
    "schemas.md": schemas_page,
    "exit-codes.md": exit_codes_page,
    "python.md": python_page,
}
"""The text of each file in ``FOLDER``."""
