"""Heatmaps: what is explained (target), how (METHODS), and the result (Explanation)."""
