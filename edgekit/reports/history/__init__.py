"""Latency over time: trends and change points."""
