"""Model cards; a file here is found by its name."""
