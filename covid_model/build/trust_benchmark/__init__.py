"""The trust benchmark: how often trust tests and verdict are right, on drawn images whose evidence is known."""
