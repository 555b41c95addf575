"""The public API: a model that checks, predicts and explains in one call, and the result of such a call."""
