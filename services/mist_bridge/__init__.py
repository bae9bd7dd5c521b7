"""The asynchronous interfaces: accepted events as JSON to Kafka and MQTT, start requests from MQTT."""
