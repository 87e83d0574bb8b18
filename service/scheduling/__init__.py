"""Admission, batching, threads and timeouts: which work runs when, and where. No HTTP."""
