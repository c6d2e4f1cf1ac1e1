"""The summary for a reader: the fastest artifact, the gain from int8, the measurements not to trust; equal reasons
once.
"""
