"""The forms in which a network can be written for a runtime, and which of them to take."""
