"""models.necks: filled in by the next commits."""
