"""Commands that read stored measurements: `report`, `history`, `index`, `pick`."""
