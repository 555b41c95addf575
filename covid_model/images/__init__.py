"""Image bytes -> XrayImage -> model input."""
