"""Traces of classification requests, by OpenTelemetry where it is installed and turned on."""
