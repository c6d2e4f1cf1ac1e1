"""Operators of a traced program, written as others that TFLite and its delegate have."""
