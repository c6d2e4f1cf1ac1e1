"""What the three formats share in int8: placement, ranges, rounding, simulation, bias correction."""
