"""Who may come in, how often, and with how much: before any route sees a request."""
