"""Accuracy of artifacts: their answers to images, here or on a device, and the evaluations kept beside them."""
