"""What is needed only to build what ships; nothing at run time imports it."""
