"""datasets.toy: filled in by the next commits."""
