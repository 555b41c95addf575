"""A small labelled data set that is drawn, to try every page and command without a download."""
