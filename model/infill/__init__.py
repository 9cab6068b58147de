"""What a request goes through."""
