"""`dlm-fill refactor`."""
