"""The road of a user's own network: trace it once, then convert, verify output by output, describe, put in place.

The user's code runs in one child process; every later step works on the traced program.
"""
