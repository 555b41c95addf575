"""Does a heatmap, and the model behind it, deserve trust? Tests with a chance level each, and one verdict."""
