"""The runtimes: one class each, the same interface."""
