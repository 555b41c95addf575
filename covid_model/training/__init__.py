"""Training: augmentation, the lung network, the classifiers."""
