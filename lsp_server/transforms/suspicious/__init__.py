"""Suspicious words: code that the model finds improbable where it stands, and what it would rather read there."""
