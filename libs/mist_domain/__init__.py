"""What Mist knows about jobs, hosts and the registry: pure values and functions. No I/O, no clock, no randomness."""
