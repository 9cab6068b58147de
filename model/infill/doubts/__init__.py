"""What a model doubts of a text that stands: words that it finds improbable, and knows a likely other for."""
