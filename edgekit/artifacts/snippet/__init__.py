"""Programs beside every artifact that run it: what to copy into one's own."""
