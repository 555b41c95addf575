"""The Compare page: which views are compared, and what is said below each."""
