"""Published models: which there are, which lie on this machine, and how one comes here."""
