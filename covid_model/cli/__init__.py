"""The command line: one file a group of commands, each thin around the functions that pages and notebooks call."""
