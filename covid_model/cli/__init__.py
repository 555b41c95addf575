"""The command line: one file for each group of commands, around the functions that pages and notebooks call."""
