"""Every card of the zoo in every format and precision, at the smallest size of image that it computes."""
