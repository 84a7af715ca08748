"""The worker process: broker, relay of the outbox, leases and recovery."""
