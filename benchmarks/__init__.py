"""Programs that measure edgekit itself; run them from the repository: ``python -m benchmarks.bench``."""
