"""What PyTorch tells of a network without weights or images: its layers, and advice on its shape."""
