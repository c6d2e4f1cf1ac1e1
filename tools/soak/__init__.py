"""Measure again and again, and watch what must not grow: memory, descriptors, children, files here and there."""
