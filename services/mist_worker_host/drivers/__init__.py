"""Driver processes: start, pipe, output, code and files."""
