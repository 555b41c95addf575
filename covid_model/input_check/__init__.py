"""The input check: is an input a frontal chest X-ray, and if not, what does it look like?"""
