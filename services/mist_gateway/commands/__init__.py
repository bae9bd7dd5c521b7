"""Commands: what changes something. They take values and know no request."""
