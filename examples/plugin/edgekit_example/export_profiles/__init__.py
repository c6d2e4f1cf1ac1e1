"""Export profiles; a file here is found by its name."""
