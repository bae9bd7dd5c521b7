"""Faults of Kafka: nodes killed or stopped in order, leaders moved; one at a time, so that a majority stays."""

import asyncio
import random
import time
from collections.abc import Callable

from confluent_kafka import ElectionType, KafkaException
from confluent_kafka.admin import AdminClient

from drill import kinds
from drill.cluster import Cluster
from drill.evidence import Recovery

PATIENCE_SECONDS = 60.0
ANSWER_SECONDS = 5.0


class BrokerFaults:
    def __init__(self, cluster: Cluster, recoveries: list[Recovery]) -> None:
        self._kafka = cluster.kafka
        self._recoveries = recoveries
        self._one_at_a_time = asyncio.Lock()
        self._admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})

    async def kill_broker(self) -> None:
        async with self._one_at_a_time:
            await asyncio.to_thread(self._restart, kinds.NODE_KILLED, self._kafka.kill)

    async def bounce_leaders(self) -> None:
        """A node hands its partitions over and comes back; then each partition goes to its preferred leader."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._restart, kinds.NODE_BOUNCED, self._kafka.stop_node)
            await asyncio.to_thread(self._elect)

    def _restart(self, what: str, end: Callable[[int], None]) -> None:
        node, began = random.choice(self._kafka.node_ids), time.monotonic()
        end(node)
        self._kafka.start_node(node)
        in_step = self._wait_in_step()
        self._recoveries.append(Recovery(what, time.monotonic() - began if in_step else None))

    def _wait_in_step(self) -> bool:
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._in_step():
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def _in_step(self) -> bool:
        try:
            topics = self._admin.list_topics(timeout=ANSWER_SECONDS).topics.values()
        except KafkaException:
            return False
        partitions = [partition for topic in topics for partition in topic.partitions.values()]
        return all(len(one.isrs) == len(one.replicas) and one.leader >= 0 for one in partitions)

    def _elect(self) -> None:
        try:
            self._admin.elect_leaders(ElectionType.PREFERRED).result(ANSWER_SECONDS)
        except KafkaException:
            return
