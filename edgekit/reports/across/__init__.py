"""Several artifacts of one network against each other: one verdict, and what else than latency they cost."""
