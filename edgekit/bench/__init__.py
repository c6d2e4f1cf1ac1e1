"""Measuring on a device: the agent that runs there, its protocol, and what the samples say."""
