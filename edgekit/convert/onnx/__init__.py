"""Convert to ONNX for ONNX Runtime."""
