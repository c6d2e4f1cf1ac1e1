"""What the commands print of counts on simulated boards."""
