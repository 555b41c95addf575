"""What leaves the program: files that show or reproduce a view without it."""
