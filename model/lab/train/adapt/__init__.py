"""Training of the adapter that makes the built-in model denoise: its context stays as it is, its hole rows learn."""
