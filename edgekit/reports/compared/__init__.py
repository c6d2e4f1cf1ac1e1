"""Two measurements against each other: whether that is allowed, the ratio, the operators that explain it."""
