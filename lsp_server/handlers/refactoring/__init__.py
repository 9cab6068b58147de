"""Refactorings in the editor: code actions with their edits, and the command for clients that cannot resolve them."""
