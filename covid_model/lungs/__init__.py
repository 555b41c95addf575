"""Lung segmentation."""
