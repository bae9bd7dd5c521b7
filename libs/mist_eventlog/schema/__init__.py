"""Avro: the record files of `schemas/`, the codec, and Confluent's framing."""
