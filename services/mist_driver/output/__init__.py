"""Output of jobs: streams routed to each job's log."""
