"""Checks on what is known of an image. They see only the model."""
