"""An ONNX graph as a PyTorch network, so that it can go wherever PyTorch networks go."""
