"""Runs of the exchanges, one module per shape (packets, session, notices, receiving, reports) and what they share."""
