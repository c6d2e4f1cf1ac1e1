"""Devices: where an artifact is measured."""
