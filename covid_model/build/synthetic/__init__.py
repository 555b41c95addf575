"""Synthetic chest X-rays: a small class-conditional generator, and the choice of the images that ship."""
