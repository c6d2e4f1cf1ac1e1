"""A program beside every artifact that runs it: what to copy into one's own."""
