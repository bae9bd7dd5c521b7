"""The topics this service reads and writes."""

JOB_EVENTS = "mist.job-events"
REQUESTS = "mist.requests"
REGISTRY = "mist.registry"
HOSTS = "mist.hosts"
JOB_LOGS = "mist.job-logs"
