"""Suspicious words of what is being edited, looked for while nobody types, to be shown as diagnostics."""
