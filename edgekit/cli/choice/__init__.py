"""Commands that measure to decide: the gate of a runtime's upgrade, a second opinion on a report."""
