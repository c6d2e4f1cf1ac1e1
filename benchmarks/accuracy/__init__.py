"""What int8 costs in top-1: a small variant of every family, trained, exported in three formats, 10,000 test images."""
