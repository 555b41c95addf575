"""Chest films that no patient owns: a small class-conditional generator, and the choice of the films that ship."""
