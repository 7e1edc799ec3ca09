"""Divide: the attributes of a person, and the phrases for them."""
