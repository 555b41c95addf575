"""Chest X-rays that no patient owns: a small class-conditional generator, and the choice of the images that ship."""
