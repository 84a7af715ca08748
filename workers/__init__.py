"""The exchanges: forming, validating, journaling, sending, reading answers. Never imported by ``gateway``."""
