"""`python -m mist_tools.run.mqtt`: an MQTT broker on this machine alone, for trying Mist out. It keeps nothing on disk."""

import asyncio
import logging
import os

from amqtt.broker import Broker


def broker_settings(port: int) -> dict[str, object]:
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }


async def serve(port: int) -> None:
    broker = Broker(broker_settings(port))
    await broker.start()
    try:
        await asyncio.Event().wait()
    finally:
        await broker.shutdown()


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(serve(int(os.environ.get("MIST_MQTT_PORT", "1883"))))


if __name__ == "__main__":
    main()
