"""What the commands print about counts on simulated boards."""
