"""`dlm-fill bench engine`: keystrokes, memory, drafts and confidence of the engine."""
