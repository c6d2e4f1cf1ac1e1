"""Exact rewrites of a network: the same function up to float rounding, in a form that runtimes like better."""
