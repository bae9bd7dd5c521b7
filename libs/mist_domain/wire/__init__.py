"""Texts that clients read and write: JSON, durations, cursors, events."""
