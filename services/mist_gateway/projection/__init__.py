"""Read models folded from the log; the only Faust."""
