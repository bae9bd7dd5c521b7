"""The raw floor of the design's four hops: a record through three relay processes over four topics, nothing else.

`python floor.py relay KAFKA FROM TO` is one relay; `measure` starts three of them.
"""

import asyncio
import itertools
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

TOPICS = [f"floor-{number}" for number in range(4)]


async def measure(kafka: str, count: int) -> list[float]:
    """Milliseconds of `count` round trips, one at a time."""
    await _create_topics(kafka)
    async with _relays(kafka), _producer(kafka) as producer, _consumer(kafka, TOPICS[-1]) as consumer:
        took = [await _round_trip(producer, consumer) for _ in range(count // 5 + count)]
    return took[count // 5 :]


async def _round_trip(producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> float:
    begin = time.perf_counter()
    await producer.send(TOPICS[0], b"x" * 200)
    await consumer.getone()
    return (time.perf_counter() - begin) * 1000


async def _create_topics(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1) for topic in TOPICS])
    finally:
        await admin.close()


@asynccontextmanager
async def _relays(kafka: str) -> AsyncIterator[None]:
    relays: list[Process] = []
    try:
        for source, target in itertools.pairwise(TOPICS):
            command = [sys.executable, __file__, "relay", kafka, source, target]
            relay = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            relays.append(relay)
            assert relay.stdout is not None
            assert await relay.stdout.readline() == b"ready\n"
        yield
    finally:
        for relay in relays:
            relay.terminate()
            await relay.wait()


@asynccontextmanager
async def _producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def _consumer(kafka: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="latest")
    await consumer.start()
    try:
        await consumer.seek_to_end()
        for place in consumer.assignment():
            await consumer.position(place)
        yield consumer
    finally:
        await consumer.stop()


async def relay(kafka: str, source: str, target: str) -> None:
    """Pass every record of `source` on to `target`, as a service of Mist would: read, append, acknowledged by all."""
    async with _producer(kafka) as producer, _consumer(kafka, source) as consumer:
        print("ready", flush=True)
        async for record in consumer:
            await producer.send(target, record.value)


if __name__ == "__main__":
    uvloop.run(relay(*sys.argv[2:5]))
