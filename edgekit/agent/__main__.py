"""``python -m edgekit.agent REQUEST.json``."""

from .main import leave_with_answer

leave_with_answer()
