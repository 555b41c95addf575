"""The Dataset page: filters, grid, map, quality, sources."""
