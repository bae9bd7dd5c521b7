"""Prometheus metrics of a bridge."""

from collections.abc import Iterator

from mist_bridge.service import Bridge
from mist_runtime.metrics import Figure, lag_figures


def figures_of(bridge: Bridge) -> Iterator[Figure]:
    yield Figure("mist_bridge_active", "1 for the bridge that publishes, 0 for a standby.", bridge.active)
    yield Figure("mist_bridge_jobs", "Jobs that have not ended.", bridge.backlog.jobs)
    yield Figure(
        "mist_bridge_untold", "Events of the log that mist.events.json does not have yet.", len(bridge.backlog)
    )
    yield Figure("mist_bridge_mqtt_connected", "1 while the MQTT broker is connected.", bridge.away is None)
    yield Figure(
        "mist_bridge_mqtt_published",
        "Events that MQTT acknowledged since the start.",
        bridge.outgoing.published,
        counter=True,
    )
    yield Figure(
        "mist_bridge_mqtt_requests", "Start requests from MQTT since the start.", bridge.incoming.requests, counter=True
    )
    yield Figure(
        "mist_bridge_mqtt_rejected", "MQTT messages rejected since the start.", bridge.incoming.rejected, counter=True
    )
    yield from lag_figures(bridge.lag())
