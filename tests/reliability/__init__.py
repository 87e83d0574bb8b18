"""Tests under faults, load and hostile input; docs/reliability.md has their figures."""
