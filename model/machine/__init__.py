"""What this machine has for models, and what it lacks."""
