"""The driver process of one worker: one Spark context, jobs in threads, one pipe to its host. Knows no Kafka."""
