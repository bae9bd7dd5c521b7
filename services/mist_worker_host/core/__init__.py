"""Decisions of a worker host, as values: stimuli in, instructions out. No I/O, no clock."""
