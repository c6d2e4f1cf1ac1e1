"""A search for a network: what a device takes for each, what a short training says of it, and the next to try."""
