"""Proof that an artifact equals its source (parity) and is what it claims to be (audit)."""
