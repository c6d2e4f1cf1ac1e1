"""Convert to TFLite for LiteRT."""
