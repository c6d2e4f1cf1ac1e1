"""Several artifacts of one network against each other: one verdict on latency, and their other costs."""
