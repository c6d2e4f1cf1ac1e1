"""Emulated boards and phones on this machine."""
