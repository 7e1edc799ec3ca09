"""Conquer: which phrases fit an image, as CLIP or another scorer sees it."""
