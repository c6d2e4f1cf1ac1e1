"""The persistent index: a summary of every stored measurement, so that a reader need not open every file."""
