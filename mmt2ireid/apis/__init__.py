"""apis: filled in by the next commits."""
