"""What may be wrong with labelled texts: duplicates, leaks, rare topics, label errors."""
