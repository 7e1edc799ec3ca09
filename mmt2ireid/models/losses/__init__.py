"""models.losses: filled in by the next commits."""
