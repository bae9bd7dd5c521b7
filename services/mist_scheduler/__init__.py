"""The scheduler: turns requests into jobs and gives jobs to hosts. One is active, any others are hot standbys."""
