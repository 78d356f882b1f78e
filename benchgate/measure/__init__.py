"""What to run, in which order, on which side: the only room that starts tools."""
