"""Commands about a network's shape: lint."""
