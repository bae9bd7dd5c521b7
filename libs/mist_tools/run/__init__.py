"""`make run`: Kafka and every service on this machine, and an example job."""
