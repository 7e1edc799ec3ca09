"""models.image_encoders: filled in by the next commits."""
