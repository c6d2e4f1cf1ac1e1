"""Which network, artifact and way of running it to take, and what would make a network faster."""
