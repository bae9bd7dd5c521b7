"""Orders of the drill's clients, drawn from a seed, so that a run can be repeated."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Way = Literal["rest", "json", "avro"]

ENDPOINTS = {"drill-once": 0, "drill-again": 2}
"""Each endpoint's retries, as `drill.yaml` has them."""
CONTEXTS = ("drill-a", "drill-b", "drill-c")
NAMESPACE = uuid.UUID("5d3f8f4e-9d6b-5c0e-8a43-6d2b1f0c7e11")
"""Of job ids, as the specification fixes it: written down here once more so that a change of it is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`again`: sent once more by this way after it was acknowledged. `cancel`: seconds until the client cancels it."""

    request_id: str
    endpoint: str
    context: str
    seconds: float
    way: Way
    again: Way | None
    cancel: float | None

    @property
    def job_id(self) -> str:
        return str(uuid.uuid5(NAMESPACE, f"{self.endpoint}/{self.request_id}"))


def draw(count: int, seed: int) -> Iterator[Order]:
    chance = random.Random(seed)
    for number in range(count):
        yield _one(f"{seed}-{number}", chance)


def _one(request_id: str, chance: random.Random) -> Order:
    """Half by REST, half by Kafka; most do nothing, some last, some of those are canceled."""
    lasts, canceled = chance.random() < 0.10, chance.random() < 0.03
    return Order(
        request_id=request_id,
        endpoint="drill-again" if chance.random() < 0.3 else "drill-once",
        context=chance.choice(CONTEXTS),
        seconds=3.0 if canceled else round(chance.uniform(0.1, 1.5), 3) if lasts else 0.0,
        way=chance.choice(("rest", "rest", "json", "avro")),
        again=chance.choice(("rest", "json", "avro")) if chance.random() < 0.02 else None,
        cancel=round(chance.uniform(0.0, 2.5), 3) if canceled else None,
    )
