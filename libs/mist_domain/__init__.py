"""The domain: jobs, hosts, the registry and their rules, as pure values and functions. No I/O, no clock, no randomness."""
