"""Prometheus metrics of every process that appends or reads."""

from prometheus_client import Counter, Histogram

APPEND_SECONDS = Histogram(
    "mist_append_seconds",
    "From a batch's sending to its acknowledgement by all replicas.",
    ["topic"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120),
)
APPENDED = Counter("mist_appended_records", "Records that were acknowledged.", ["topic"])
READ = Counter("mist_read_records", "Records that were read.", ["topic"])
DEAD_LETTERS = Counter("mist_dead_letters", "Records put aside because they could not be decoded.", ["topic"])
