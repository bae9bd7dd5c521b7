"""What the author of a job imports."""
