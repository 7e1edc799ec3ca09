"""evaluation: filled in by the next commits."""
