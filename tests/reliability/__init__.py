"""Tests under faults, load and hostile input; docs/explanation/reliability.md has their figures."""
