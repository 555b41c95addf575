"""Scores with intervals by patient, calibration, and the report from which every published number is read."""
