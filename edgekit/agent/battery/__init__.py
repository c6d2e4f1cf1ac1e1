"""Energy from a battery's gauge."""
