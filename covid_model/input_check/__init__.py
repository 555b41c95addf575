"""The input check: is this picture a frontal chest X-ray at all, and if not, what else does it look like?"""
