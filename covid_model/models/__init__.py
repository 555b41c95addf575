"""Model specs and cards, networks, loading, predictions, and models of a user's own."""
