"""Checks of labelled texts: duplicates, leaks, rare topics, label errors."""
