"""models.layers: filled in by the next commits."""
