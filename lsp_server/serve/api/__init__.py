"""The server's own API: its schema, `POST /v1/fill`, and the pages that describe it."""
