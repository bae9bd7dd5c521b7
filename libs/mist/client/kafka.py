"""Mist by Kafka alone: start requests in Avro to `mist.requests`, and a job followed on `mist.job-events`.

with KafkaMist("127.0.0.1:9092") as mist:
    job_id = mist.start("simple-context", {"numbers": [1, 2, 3]})
    for event in mist.follow(job_id):
        print(event)
"""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Self, cast

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from mist.client.calls import Start
from mist.client.documents import FINAL, Event
from mist.client.errors import JobTimeoutError, UnreachableError
from mist_domain.facts import job_events, records, requests
from mist_domain.job import Job, evolve
from mist_domain.wire import feed, json_text, start_request
from mist_eventlog.appender import hashed
from mist_eventlog.schema.codec import Codec
from mist_eventlog.topics.names import JOB_EVENTS, REQUESTS

_ANSWER_SECONDS = 30.0
_CLOCK_SKEW_MS = 600_000


class KafkaMist:
    """Client of Mist over Kafka. `settings`: further settings of confluent-kafka, such as TLS and SASL.

    Methods raise `UnreachableError`.
    """

    def __init__(self, bootstrap: str, settings: Mapping[str, Any] | None = None) -> None:
        self._settings = {"bootstrap.servers": bootstrap, **(settings or {})}
        self._codec = Codec(records.RECORDS)
        self._started_at: dict[str, int] = {}
        self._producer = Producer(
            {**self._settings, "acks": "all", "enable.idempotence": True, "partitioner": "murmur2_random"}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.flush(_ANSWER_SECONDS)

    def start(self, endpoint: str, arguments: Mapping[str, Any] | None = None, options: Start | None = None) -> str:
        """Start a job; returns its id. The request is durable when this returns; `options.key` sent again is the same job."""
        options = options or Start()
        request_id = options.key or str(uuid.uuid4())
        job_id = requests.job_id_of(endpoint, request_id)
        request = start_request.build_start_request(
            request_id=request_id,
            endpoint=endpoint,
            parameters=arguments or {},
            context=options.context,
            mode=options.mode,
            worker_id=options.worker_id,
            external_id=options.external_id,
            source=requests.KAFKA_SOURCE,
            start_timeout=options.start_timeout,
            perform_timeout=options.perform_timeout,
        )
        self._started_at.setdefault(job_id, int(time.time() * 1000))
        self._send(job_id, self._codec.encode(request))
        return job_id

    def follow(self, job_id: str, *, timeout: float = 3600) -> Iterator[Event]:
        """Follow the job from its first event to its last. Raises `JobTimeoutError` after `timeout` seconds without one."""
        job, codec = Job(job_id), self._codec
        for message in self._messages(job_id, timeout):
            event = cast("job_events.JobEvent", codec.decode(message.value() or b""))
            after = evolve(job, event, message.timestamp()[1])
            if after is job:
                continue
            job = after
            announcement = feed.announce(
                event, job.status, message.timestamp()[1], first=not isinstance(event, job_events.JobAttemptLost)
            )
            if announcement is not None:
                yield cast("Event", json.loads(json_text.write_json(announcement)))
                if announcement["event"] in FINAL:
                    return

    def _send(self, key: str, value: bytes) -> None:
        failures: list[object] = []
        self._producer.produce(
            REQUESTS, value, key, on_delivery=lambda error, _: failures.append(error) if error else None
        )
        unsent = self._producer.flush(_ANSWER_SECONDS)
        if unsent or failures:
            raise UnreachableError(f"Kafka did not acknowledge the request: {failures[0] if failures else 'no answer'}")

    def _messages(self, job_id: str, timeout: float) -> Iterator[Message]:
        """Read the job's own records of its partition, the oldest first."""
        group = {"group.id": f"mist-client-{uuid.uuid4()}", "enable.auto.commit": False}
        consumer = Consumer({**self._settings, **group})
        try:
            consumer.assign([self._first_position(consumer, job_id)])
            while True:
                message = consumer.poll(timeout)
                if message is None:
                    raise JobTimeoutError(job_id, timeout)
                if message.error():
                    raise UnreachableError(f"Kafka cannot be read: {message.error()}")
                if message.key() == job_id.encode():
                    yield message
        except KafkaException as error:
            raise UnreachableError(f"Kafka cannot be read: {error}") from error
        finally:
            consumer.close()

    def _first_position(self, consumer: Consumer, job_id: str) -> TopicPartition:
        """Position before the job's first event: a little before its start from here, else the partition's beginning."""
        topic = consumer.list_topics(JOB_EVENTS, _ANSWER_SECONDS).topics[JOB_EVENTS]
        partition = hashed(job_id) % len(topic.partitions)
        started_at = self._started_at.get(job_id)
        if started_at is None:
            return TopicPartition(JOB_EVENTS, partition, 0)
        since = TopicPartition(JOB_EVENTS, partition, started_at - _CLOCK_SKEW_MS)
        _, end = consumer.get_watermark_offsets(TopicPartition(JOB_EVENTS, partition), timeout=_ANSWER_SECONDS)
        (found,) = consumer.offsets_for_times([since], timeout=_ANSWER_SECONDS)
        return TopicPartition(JOB_EVENTS, partition, found.offset if found.offset >= 0 else end)
