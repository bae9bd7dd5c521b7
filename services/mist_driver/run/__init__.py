"""Runs: attempts at jobs, in threads, and how they are canceled."""
