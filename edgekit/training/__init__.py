"""Training: data sets, recipes, the loop with CondenseNet's schedule, its checkpoints and its plot."""
