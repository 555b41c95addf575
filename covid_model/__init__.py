"""Explain chest X-ray classifiers and test whether the explanation deserves trust. Research software, not a diagnosis."""

__version__ = "0.1.0"
