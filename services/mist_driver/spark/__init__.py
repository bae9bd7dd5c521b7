"""Spark in the driver: its one context, and one session per job."""
