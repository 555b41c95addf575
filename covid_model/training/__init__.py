"""Training: the trainer, its runs, the recipes of the classifiers, and registering a run as a model."""
