"""Brokers, stacks, clients and worlds that tests share."""
