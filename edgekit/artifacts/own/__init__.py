"""The road of a user's own network: trace it once, then convert, verify output by output, describe, put in place.

The user's code runs in one child process; all that follows works on the traced program.
"""
