"""The embedded broker: a real Apache Kafka, run on this machine for development and tests."""
