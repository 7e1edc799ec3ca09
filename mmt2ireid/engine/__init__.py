"""engine: filled in by the next commits."""
