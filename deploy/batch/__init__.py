"""Classify data sets of any size with Ray: Parquet or JSON lines in, Parquet out."""
