"""The Faust app of one start of the gateway: three tables over three topics, no agents, no changelogs of its own."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import faust
from faust.tables import TableManager

from mist_domain.registry import RegistryEntry
from mist_eventlog import KafkaAddress
from mist_eventlog.topics import partition_counts
from mist_gateway.state import State
from mist_gateway.tables import LogTable
from mist_gateway.topics import HOSTS, JOB_EVENTS, REGISTRY
from mist_gateway.transport import batch_transport


@dataclass(frozen=True, slots=True)
class Tables:
    app: faust.App
    jobs: LogTable
    hosts: LogTable
    registry: LogTable

    @property
    def all(self) -> tuple[LogTable, ...]:
        return (self.jobs, self.hosts, self.registry)


class TablesAtHand(TableManager):
    """Faust's own waits a second for tables that agents may yet add; ours are all there before the app starts."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


def new_app(kafka: KafkaAddress, datadir: Path) -> faust.App:
    """Its id is new at each start: replicas share no consumer group, so none ever waits for another."""
    datadir.mkdir(parents=True, exist_ok=True)
    servers = [f"kafka://{server.strip()}" for server in kafka.bootstrap.split(",")]
    return faust.App(
        f"mist-gateway-{uuid.uuid4()}",
        broker=servers,
        broker_credentials=_credentials(kafka),
        store="memory://",
        datadir=str(datadir),
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_request_timeout=15.0,
        broker_request_timeout=30.0,
        broker_session_timeout=15.0,
        broker_heartbeat_interval=3.0,
        stream_wait_empty=False,
        TableManager=TablesAtHand,
    )


def _credentials(kafka: KafkaAddress) -> faust.SASLCredentials | faust.SSLCredentials | None:
    context = kafka.tls()
    if kafka.uses_sasl:
        return faust.SASLCredentials(
            username=kafka.user, password=kafka.password, ssl_context=context, mechanism=kafka.mechanism
        )
    return None if context is None else faust.SSLCredentials(context=context)


def add_tables(app: faust.App, state: State) -> Tables:
    """The tables' own stores hold the rows that `state` reads."""
    counts = partition_counts()
    jobs = LogTable(app, topic=JOB_EVENTS, partitions=counts[JOB_EVENTS], fold=state.fold_job)
    hosts = LogTable(app, topic=HOSTS, partitions=counts[HOSTS], fold=state.fold_host)
    registry = LogTable(app, topic=REGISTRY, partitions=counts[REGISTRY], fold=state.fold_registry)
    state.jobs.rows = jobs.data.data
    state.hosts.rows = hosts.data.data
    state.registry = cast("dict[str, RegistryEntry]", registry.data.data)
    for table in (jobs, hosts, registry):
        app.tables.add(table)
    app.transport = batch_transport(app, {table.topic: table for table in (jobs, hosts, registry)})
    return Tables(app, jobs, hosts, registry)
