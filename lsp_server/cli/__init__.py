"""What `dlm-fill` is made of: targets are read, files opened, gaps filled, shown, reported and written."""
