"""Faust's Kafka consumer, handing records to the tables in whole batches as they arrive.

Faust's own path costs two tasks and a timer for each record. Here the table takes a batch at once, and Faust sees
only the last record of it, which the table then knows already: enough for Faust's offsets, recovery and gap check.
"""

from collections.abc import Mapping
from typing import Any

from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP

from mist_gateway.tables import LogTable


class BatchConsumer(Consumer):
    """`tables` by topic; a topic without one goes Faust's way."""

    tables: Mapping[str, LogTable] = {}

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Any]]:
        polled = await super()._getmany(active_partitions, timeout)
        return {tp: self._take(tp, records) for tp, records in polled.items()}

    def _take(self, tp: TP, records: list[Any]) -> list[Any]:
        table = self.tables.get(tp.topic)
        if table is None or not records:
            return records
        tp = TP(tp.topic, tp.partition)
        table.take(tp, records)
        return records[-1:] if table.applied[tp] >= records[-1].offset else records


def batch_transport(app: Any, tables: Mapping[str, LogTable]) -> Transport:
    """A transport for one app; set it as `app.transport` before the app starts."""
    consumer = type("TablesConsumer", (BatchConsumer,), {"tables": tables})
    transport = type("BatchTransport", (Transport,), {"Consumer": consumer})
    made: Transport = transport(app.conf.broker_consumer, app)
    return made
