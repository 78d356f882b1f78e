"""Arrays → intervals and p-values; knows no benchmark, no threshold, no file."""
