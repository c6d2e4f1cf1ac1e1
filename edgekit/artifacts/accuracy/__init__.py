"""Accuracy of artifacts: their outputs for images, here or on a device, and the evaluations stored beside them."""
