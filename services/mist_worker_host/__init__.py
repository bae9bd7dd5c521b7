"""The worker host: starts, feeds and stops Spark drivers."""
