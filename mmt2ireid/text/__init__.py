"""text: filled in by the next commits."""
