"""The topics of `schemas/topics.yaml`, and the check of them that each service makes before it starts."""

from mist_eventlog.topics.catalogue import Topic, load_topics, partition_counts
from mist_eventlog.topics.check import TopicsMismatchError, check

__all__ = ["Topic", "TopicsMismatchError", "check", "load_topics", "partition_counts"]
