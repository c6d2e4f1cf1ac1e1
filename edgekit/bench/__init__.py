"""Measuring on a device: the agent that runs there, its protocol, and conclusions from the samples."""
