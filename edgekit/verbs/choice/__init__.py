"""Verbs that measure to choose: the best artifact across runtimes, and the artifacts that a choice still lacks."""
