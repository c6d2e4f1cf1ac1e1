"""Programs for those who work on edgekit; nothing here travels in the wheel."""
