"""What a bridge tells Prometheus of itself."""

from collections.abc import Iterator

from mist_bridge.service import Bridge
from mist_runtime.metrics import Figure, lag_figures


def figures_of(bridge: Bridge) -> Iterator[Figure]:
    yield Figure("mist_bridge_active", "1 for the one that tells, 0 for a standby.", bridge.active)
    yield Figure("mist_bridge_jobs", "Jobs that are not over.", bridge.telling.jobs)
    yield Figure(
        "mist_bridge_untold", "Events of the log that mist.events.json does not show yet.", len(bridge.telling)
    )
    yield Figure("mist_bridge_mqtt_connected", "Whether MQTT is reached.", bridge.away is None)
    yield Figure(
        "mist_bridge_mqtt_published", "Events that MQTT took since the start.", bridge.outgoing.published, counter=True
    )
    yield Figure(
        "mist_bridge_mqtt_requests", "Start requests of MQTT since the start.", bridge.incoming.requests, counter=True
    )
    yield Figure(
        "mist_bridge_mqtt_rejected", "Messages that were none since the start.", bridge.incoming.rejected, counter=True
    )
    yield from lag_figures(bridge.lag())
