"""Kinds of recovery, as the table names them, with the limit of each in seconds."""

GATEWAY = "gateway serves again after kill -9"
SCHEDULER = "scheduler killed, brought back at once: decides again"
STANDBY = "scheduler lost with its machine: the standby decides"
FROZEN_SCHEDULER = "scheduler frozen: the standby decides"
DRIVERS_GONE = "host killed: its drivers are gone"
HOST = "host killed, brought back at once: its jobs decided"
REPLACED = "  … since it said whom it replaces"
DRIVER = "driver killed: its jobs decided"
JVM = "driver's Java killed: its jobs decided"
LEASE = "host frozen: its drivers have ended themselves"
FROZEN_HOST = "host frozen: its jobs decided"
FROZEN_MACHINE = "host and its drivers frozen: their jobs decided"
NODE_KILLED = "Kafka node killed and brought back: all replicas in step"
NODE_BOUNCED = "Kafka node stopped and started, leaders moved: in step"

TARGETS = {
    GATEWAY: 3.0,
    SCHEDULER: 3.0,
    STANDBY: 12.0,
    FROZEN_SCHEDULER: 12.0,
    REPLACED: 2.0,
    LEASE: 22.0,
    FROZEN_HOST: 30.0,
    FROZEN_MACHINE: 30.0,
}
