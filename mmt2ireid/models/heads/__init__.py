"""models.heads: filled in by the next commits."""
