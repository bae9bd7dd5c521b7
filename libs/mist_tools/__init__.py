"""Programs that are no service: commands, the local stack, proofs."""
