"""The largest numbers that options take: more is a slip, which would fill the memory, overflow or never end."""

MOST_THREADS, MOST_JOBS = 1024, 256
MOST_CLASSES = 10_000_000
MOST_RUNS = 10_000
"""Rounds, pairs, launches, trials and epochs."""
MOST_IMAGES = MOST_MEASUREMENTS = 100_000_000
LARGEST_BATCH = 65_536
LARGEST_SEED = 2**32 - 1
"""NumPy's old generators take no larger one."""
LARGEST = 1_000_000
"""Of milliseconds, megabytes, decibels, days and factors."""
LONGEST_S = 7 * 24 * 3600
"""A week: a wait of years overflows the clock's type."""
LARGEST_PORT = 65_535
