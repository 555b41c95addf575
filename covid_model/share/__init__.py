"""Export: files that show or reproduce a view without the program."""
