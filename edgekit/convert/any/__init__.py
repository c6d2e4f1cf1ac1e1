"""Networks of any kind, from a user's own PyTorch code: any number of inputs and outputs, of any rank."""
