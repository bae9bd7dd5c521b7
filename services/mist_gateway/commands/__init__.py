"""Commands: everything that changes something. They take values, raise `ProblemError`, and know no HTTP request."""
