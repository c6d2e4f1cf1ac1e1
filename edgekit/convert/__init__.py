"""Conversion and quantization, one format a module; calibration data comes in as arrays."""
