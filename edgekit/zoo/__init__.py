"""The networks, one family a module, built from model cards."""
