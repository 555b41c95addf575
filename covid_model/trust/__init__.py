"""Tests of whether a heatmap and its model deserve trust, each against a chance level, and one verdict."""
