"""Traces of classification requests, if OpenTelemetry is installed and turned on."""
