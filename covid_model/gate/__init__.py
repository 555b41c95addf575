"""The gate: is this picture a frontal chest film at all, and if not, what else does it look like?"""
