"""Convert to OpenVINO's IR."""
