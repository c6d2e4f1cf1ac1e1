"""Counts on simulated boards: how far they repeat, what they catch, what the cycle model says of published times."""
