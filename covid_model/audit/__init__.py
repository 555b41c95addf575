"""What a model is worth over many images: audit record, source probe, measures of every image of a manifest."""
