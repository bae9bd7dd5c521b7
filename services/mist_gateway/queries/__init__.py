"""Queries that read beyond the projection: history, replay, logs."""
