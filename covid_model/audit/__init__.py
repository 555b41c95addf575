"""Audits of a model on many images: audit record, source probe, measurements of every image of a manifest."""
