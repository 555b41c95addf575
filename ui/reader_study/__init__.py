"""The parts of the Reader study page."""
