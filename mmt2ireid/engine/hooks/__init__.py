"""engine.hooks: filled in by the next commits."""
