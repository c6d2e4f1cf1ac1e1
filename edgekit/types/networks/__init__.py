"""Networks: their layers, the costs of their operations, and the search for one."""
