"""Faults on purpose: each operation fails once in turn, or its process is killed; what edgekit promises is checked."""
