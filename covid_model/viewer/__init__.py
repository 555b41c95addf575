"""The image viewer: what it shows as plain data, and its JavaScript, for the dashboard and for self-contained pages."""
