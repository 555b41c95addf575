"""Film bytes -> Film -> model input."""
