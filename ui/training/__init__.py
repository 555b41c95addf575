"""The Training page: form and runs."""
