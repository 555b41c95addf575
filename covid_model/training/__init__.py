"""Training: one trainer, its runs, the recipes of the classifiers, and how a run becomes a model."""
