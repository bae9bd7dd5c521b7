"""Names of Mist's topics, those of `schemas/topics.yaml`."""

REQUESTS = "mist.requests"
JOB_EVENTS = "mist.job-events"
REGISTRY = "mist.registry"
HOSTS = "mist.hosts"
JOB_LOGS = "mist.job-logs"
EVENTS_JSON = "mist.events.json"
DEAD_LETTERS = "mist.dead-letters"
