"""Scores with intervals by patient, calibration, and the report every shown number is read from."""
