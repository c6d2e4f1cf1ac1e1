"""Verbs that measure to choose: an artifact across runtimes, what is missing for a choice."""
