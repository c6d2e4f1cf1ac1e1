"""Instructions of one inference, counted on an emulated ARM core, and what a model of the core makes of them."""
