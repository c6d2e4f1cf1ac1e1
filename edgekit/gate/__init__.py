"""Guard latency in CI: pairs of baseline and candidate, the rule, the pinned baselines."""
