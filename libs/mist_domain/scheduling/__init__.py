"""Decisions of the scheduler: which job runs where, and when."""
