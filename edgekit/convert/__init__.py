"""Conversion and quantization, one module per format; calibration data comes in as arrays."""
