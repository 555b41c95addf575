"""The Explain page: controls, trust panel, what-if edits, export."""
