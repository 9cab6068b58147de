"""`dlm-fill bench engine`: what the engine gains over simpler ways to run the same weights, side by side."""
