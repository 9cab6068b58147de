"""`dlm-fill bench kernel`: the built-in model's kernel against what others would run its weights with."""
