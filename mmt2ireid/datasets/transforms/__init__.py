"""datasets.transforms: filled in by the next commits."""
