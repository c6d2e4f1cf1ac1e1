"""Commands that measure to choose: the gate of a runtime's upgrade."""
