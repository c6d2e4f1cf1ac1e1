"""The index that is kept: a summary of every stored measurement, so that a reader need not open every file."""
