"""Stored measurements and the pages made from them."""
