"""`dlm-fill train base`: the built-in model's weights and vocabulary out of the published ones."""
