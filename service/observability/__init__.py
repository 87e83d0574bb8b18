"""Metrics, logs, health and the context of a request."""
