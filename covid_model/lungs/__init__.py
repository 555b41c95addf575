"""Lung segmentation and what is done with its mask."""
