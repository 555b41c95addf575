"""From download folders to one manifest: sources, labels, duplicates, split, leakage check."""
