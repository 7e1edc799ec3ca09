"""models.text_encoders: filled in by the next commits."""
