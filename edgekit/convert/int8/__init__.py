"""The parts of int8 that the three formats share: placement, ranges, rounding, simulation, bias correction."""
