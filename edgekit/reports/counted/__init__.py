"""Counts on simulated boards: stored and shown apart from all measurements."""
