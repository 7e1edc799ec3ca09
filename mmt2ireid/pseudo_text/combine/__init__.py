"""Combine: templates, synonyms, and the composer of captions."""
