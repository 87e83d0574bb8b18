"""Batch inference with Ray: read Parquet or JSON lines of any size, write Parquet."""
