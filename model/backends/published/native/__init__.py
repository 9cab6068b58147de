"""Published diffusion models that run in transformers' own classes: their networks are too unlike ours. Experimental."""
