"""engine.optim: filled in by the next commits."""
